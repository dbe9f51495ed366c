"""Addresses of this app."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path


def placeholder(request: HttpRequest) -> HttpResponse:
    """Hold the place."""
    return HttpResponse("")


urlpatterns = [path("", placeholder, name="counts")]
