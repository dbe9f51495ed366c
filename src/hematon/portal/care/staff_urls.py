"""Staff pages of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.care import staff_views

urlpatterns = [
    path("requests/", staff_views.callbacks, name="callbacks"),
    path("requests/<uuid:pk>/", staff_views.callback_request, name="callback_request"),
]
