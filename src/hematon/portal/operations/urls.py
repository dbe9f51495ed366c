"""Staff pages of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.operations import views

urlpatterns = [path("health/", views.health, name="health")]
