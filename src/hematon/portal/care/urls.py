"""Addresses of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.care import views

urlpatterns = [
    path("", views.get_care, name="get_care"),
    path("where-we-help/", views.where_we_help, name="where_we_help"),
    path("callback/", views.callback, name="callback"),
    path("callback/check/", views.callback_check, name="callback_check"),
    path("callback/counts/", views.callback_without_counts, name="callback_without_counts"),
    path("callback/sent/", views.callback_sent, name="callback_sent"),
    path("callback/copy/", views.callback_copy, name="callback_copy"),
    path("callback/<slug:key>/", views.callback_question, name="callback_question"),
    path("<slug:slug>/", views.get_care_door, name="get_care_door"),
]
