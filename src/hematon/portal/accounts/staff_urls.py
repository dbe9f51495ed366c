"""The staff's start page."""

from __future__ import annotations

from django.urls import path

from hematon.portal.accounts import views

urlpatterns = [
    path("", views.staff, name="staff"),
    path("session/", views.keep_session, name="keep_session"),
]
