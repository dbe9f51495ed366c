"""Addresses of the pages that explain."""

from __future__ import annotations

from django.urls import path

from hematon.portal.learn import views

urlpatterns = [
    path("", views.home, name="home"),
    path("conditions/", views.conditions, name="conditions"),
    path("conditions/<slug:slug>/", views.page, name="page"),
    path("get-help-now/", views.get_help_now, name="get_help_now"),
    path("words/", views.glossary, name="glossary"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("search/", views.search, name="search"),
]
