"""Staff pages of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.learn import views

urlpatterns = [
    path("content/", views.content_queue, name="content_queue"),
]
