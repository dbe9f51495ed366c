"""Staff pages of the directory."""

from __future__ import annotations

from django.urls import path

from hematon.portal.directory import staff_views

urlpatterns = [
    path("review-queue/", staff_views.review_queue, name="review_queue"),
    path("review-queue/<int:pk>/", staff_views.read_comment, name="read_comment"),
    path("safety-concerns/", staff_views.safety_concerns, name="safety_concerns"),
    path("safety-concerns/<int:pk>/", staff_views.close_concern, name="close_concern"),
    path("roster/", staff_views.roster, name="roster"),
    path("roster/compare/", staff_views.compare_roster, name="compare_roster"),
    path("roster/export/<slug:kind>/", staff_views.export_roster, name="export_roster"),
    path("roster/<slug:slug>/photo/", staff_views.photo, name="set_photo"),
    path("claims/", staff_views.claims, name="claims"),
    path("claims/add/", staff_views.add_claim, name="add_claim"),
    path("claims/<int:pk>/withdraw/", staff_views.withdraw_claim, name="withdraw_claim"),
]
