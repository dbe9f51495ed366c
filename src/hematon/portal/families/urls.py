"""Who can see a child, for signed-in families."""

from __future__ import annotations

from django.urls import path

from hematon.portal.families import views

urlpatterns = [
    path("", views.my_children, name="my_children"),
    path("ask/", views.ask_access, name="ask_access"),
    path("<uuid:pk>/another/", views.ask_another, name="ask_another"),
    path("access/<uuid:pk>/end/", views.end_access, name="end_access"),
    path("access/<uuid:pk>/agree/", views.agree_access, name="agree_access"),
]
