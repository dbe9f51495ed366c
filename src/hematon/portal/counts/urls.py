"""Addresses of this app; none holds a number that a family typed."""

from __future__ import annotations

from django.urls import path

from hematon.portal.counts import views

urlpatterns = [
    path("", views.counts, name="counts"),
    path("add/", views.counts_add, name="counts_add"),
    path("paste/", views.counts_paste, name="counts_paste"),
    path("upload/", views.counts_upload, name="counts_upload"),
    path("pictures/<slug:key>", views.counts_picture, name="counts_picture"),
    path("example/", views.counts_example, name="counts_example"),
    path("delete/", views.counts_forget, name="counts_forget"),
    path("confirm/<int:number>/", views.counts_confirm, name="counts_confirm"),
    path("check/<int:number>/", views.counts_slip, name="counts_slip"),
    path("explained/", views.counts_explained, name="counts_explained"),
    path("questions/", views.counts_questions, name="counts_questions"),
    path("summary/", views.counts_summary, name="counts_summary"),
    path("send/", views.counts_send, name="counts_send"),
]
