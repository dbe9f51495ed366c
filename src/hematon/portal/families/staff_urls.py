"""Staff pages of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.families import staff_views

urlpatterns = [
    path("access-requests/", staff_views.access_requests, name="access_requests"),
    path("access-requests/<uuid:pk>/", staff_views.access_request, name="access_request"),
    path("children/<uuid:pk>/", staff_views.staff_child, name="staff_child"),
]
