"""Staff pages of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.programme import views

urlpatterns = [
    path("settings/", views.programme_settings, name="programme_settings"),
    path("settings/<slug:code>/", views.rules_of, name="rules_of"),
    path("settings/<slug:code>/change/", views.change_rules, name="change_rules"),
    path("settings/<slug:code>/<int:number>/", views.edition, name="edition"),
    path("settings/<slug:code>/<int:number>/sign/", views.sign_rules, name="sign_rules"),
    path("settings/<slug:code>/<int:number>/export/", views.export_rules, name="export_rules"),
]
