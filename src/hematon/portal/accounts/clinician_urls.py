"""Where clinicians outside sign in, in English."""

from __future__ import annotations

from django.urls import path

from hematon.portal.accounts import sign_in_views as views

urlpatterns = [
    path("sign-in/", views.referrer_sign_in, name="referrer_sign_in"),
    path("sign-in/code/", views.referrer_code, name="referrer_code"),
]
