"""Signing in, as allauth does it; making an account oneself is not offered."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("allauth.urls"))]
