"""Addresses of booking and of a family's own visits."""

from __future__ import annotations

from django.urls import path

from hematon.portal.visits import booking_views, visit_views

urlpatterns = [
    path("", visit_views.my_visits, name="my_visits"),
    path("book/", booking_views.book, name="book"),
    path("book/days/", booking_views.book_days, name="book_days"),
    path("book/days/<str:day>/", booking_views.book_times, name="book_times"),
    path("book/confirm/", booking_views.book_confirm, name="book_confirm"),
    path("book/confirm/extend/", booking_views.book_extend, name="book_extend"),
    path("book/confirm/release/", booking_views.book_release, name="book_release"),
    path("book/ask/<slug:key>/", booking_views.book_question, name="book_question"),
    path("<uuid:pk>/", visit_views.visit, name="visit"),
    path("<uuid:pk>/calendar/", visit_views.visit_calendar, name="visit_calendar"),
    path("<uuid:pk>/change/", visit_views.visit_change, name="visit_change"),
    path("<uuid:pk>/cancel/", visit_views.visit_cancel, name="visit_cancel"),
    path("<uuid:pk>/join/", visit_views.visit_join, name="visit_join"),
    path("<uuid:pk>/room/", visit_views.visit_room, name="visit_room"),
    path("<uuid:pk>/review/", visit_views.visit_review, name="visit_review"),
]
