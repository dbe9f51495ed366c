"""Staff pages of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.clinic import views

urlpatterns = [
    path("assess/", views.assess_record, name="assess_record"),
    path("assess/<uuid:pk>/", views.assessment_records, name="assessment_records"),
    path("assess/<uuid:pk>/<int:number>/", views.assessment_report, name="assessment_report"),
    path(
        "assess/<uuid:pk>/<int:number>/feedback/",
        views.assessment_feedback,
        name="assessment_feedback",
    ),
    path(
        "assess/<uuid:pk>/<int:number>/<slug:kind>/",
        views.assessment_download,
        name="assessment_download",
    ),
]
