"""Addresses of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.visits import views

urlpatterns = [
    path("", views.video_visits, name="video_visits"),
    path("states/", views.visit_states, name="visit_states"),
    path("check/result/", views.visit_result, name="visit_result"),
    path("check/<slug:key>/", views.visit_check, name="visit_check"),
    path("device-test/", views.device_test, name="device_test"),
    path("device-test/down/", views.speed_down, name="speed_down"),
    path("device-test/up/", views.speed_up, name="speed_up"),
]
