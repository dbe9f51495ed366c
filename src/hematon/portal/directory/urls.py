"""Addresses of the directory that anyone may open."""

from __future__ import annotations

from django.urls import path

from hematon.portal.directory import review_views, views

urlpatterns = [
    path("", views.experts, name="experts"),
    path("ratings/", views.ratings, name="ratings"),
    path("program/", views.program, name="program"),
    path("review/question/<slug:key>/", review_views.question, name="review_question"),
    path("review/check/", review_views.check, name="review_check"),
    path("review/sent/", review_views.sent, name="review_sent"),
    path("review/link/", review_views.closed, name="review_closed"),
    path("review/<slug:token>/", review_views.start, name="review"),
    path("<slug:slug>/photo.jpg", views.photo, name="expert_photo"),
    path("<slug:slug>/", views.expert, name="expert"),
]
