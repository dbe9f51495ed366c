"""Staff pages of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.privacy import views

urlpatterns = [
    path("audit/", views.audit_log, name="audit_log"),
    path("audit/verify/", views.audit_verify, name="audit_verify"),
    path("audit/export/", views.audit_export, name="audit_export"),
    path("audit/openings/<uuid:pk>/", views.audit_opening, name="audit_opening"),
    path("break-glass/<slug:word>/<uuid:pk>/", views.break_glass, name="break_glass"),
]
