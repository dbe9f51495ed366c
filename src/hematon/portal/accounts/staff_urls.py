"""The staff's start page, their own sessions, and the accounts of staff."""

from __future__ import annotations

from django.urls import path

from hematon.portal.accounts import people_views, views

urlpatterns = [
    path("", views.staff, name="staff"),
    path("session/", views.keep_session, name="keep_session"),
    path("sessions/", views.staff_sessions, name="staff_sessions"),
    path("sessions/others/end/", views.end_other_staff_sessions, name="end_other_staff_sessions"),
    path("sessions/<uuid:pk>/end/", views.end_staff_session, name="end_staff_session"),
    path("people/", people_views.people, name="people"),
    path("people/add/", people_views.add_person, name="add_person"),
    path("people/<int:pk>/", people_views.person, name="person"),
    path("people/<int:pk>/roles/", people_views.person_roles, name="person_roles"),
    path("people/<int:pk>/disable/", people_views.person_disable, name="person_disable"),
    path("people/<int:pk>/enable/", people_views.person_enable, name="person_enable"),
    path(
        "people/<int:pk>/forget-second-factor/",
        people_views.person_forget_factor,
        name="person_forget_factor",
    ),
    path(
        "people/<int:pk>/end-sessions/",
        people_views.person_end_sessions,
        name="person_end_sessions",
    ),
]
