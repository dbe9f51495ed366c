"""Addresses of this app, all for staff."""

from __future__ import annotations

from django.urls import path

from hematon.portal.inbox import item_views, list_views

_CASE = "cases/<uuid:pk>/"
urlpatterns = [
    path("inbox/", list_views.inbox, name="inbox"),
    path("inbox/find/", list_views.inbox_find, name="inbox_find"),
    path("inbox/give/", list_views.inbox_give, name="inbox_give"),
    path("inbox/filters/", list_views.inbox_keep, name="inbox_keep"),
    path("inbox/filters/<uuid:pk>/drop/", list_views.inbox_drop, name="inbox_drop"),
    path(_CASE, item_views.case_item, name="case_item"),
    path(f"{_CASE}open/", item_views.case_open, name="case_open"),
    path(f"{_CASE}step/", item_views.case_step, name="case_step"),
    path(f"{_CASE}stage/", item_views.case_stage, name="case_stage"),
    path(f"{_CASE}give/", item_views.case_give, name="case_give"),
    path(f"{_CASE}band/", item_views.case_band, name="case_band"),
    path(f"{_CASE}reply/", item_views.case_reply, name="case_reply"),
    path(f"{_CASE}note/", item_views.case_note, name="case_note"),
    path(f"{_CASE}call/", item_views.case_call, name="case_call"),
    path(f"{_CASE}records/", item_views.case_records, name="case_records"),
    path(f"{_CASE}child/", item_views.case_match, name="case_match"),
    path(f"{_CASE}private/", item_views.case_private, name="case_private"),
    path(f"{_CASE}typed/<slug:box>/", item_views.case_typed, name="case_typed"),
    path(f"{_CASE}files/<uuid:file>/", item_views.case_file, name="case_file"),
]
