"""Staff pages of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.visits import opening_views, staff_views

urlpatterns = [
    path("schedule/", staff_views.schedule, name="schedule"),
    path("schedule/times/<uuid:pk>/", staff_views.staff_slot, name="staff_slot"),
    path("schedule/times/<uuid:pk>/toggle/", staff_views.toggle_time, name="toggle_time"),
    path("schedule/visits/<uuid:pk>/", staff_views.staff_visit, name="staff_visit"),
    path("schedule/visits/<uuid:pk>/room/", staff_views.staff_room, name="staff_room"),
    path("opening-times/", opening_views.opening_rules, name="opening_rules"),
    path("opening-times/<uuid:pk>/withdraw/", opening_views.withdraw_rule, name="withdraw_rule"),
    path("closures/", opening_views.closures, name="closures"),
    path("closures/<uuid:pk>/lift/", opening_views.lift_closure, name="lift_closure"),
]
