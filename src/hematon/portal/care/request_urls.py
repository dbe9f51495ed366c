"""Addresses of the requests that families send and follow."""

from __future__ import annotations

from django.urls import path

from hematon.portal.care import request_files, sent_views
from hematon.portal.care import request_views as views

urlpatterns = [
    path("", sent_views.requests, name="requests"),
    path("where/", views.where, name="request_where"),
    path("where/result/", views.where_result, name="request_where_result"),
    path("start/<slug:kind>/", views.start, name="request_start"),
    path("begin/<slug:kind>/", views.begin, name="request_begin"),
    path("<uuid:pk>/", sent_views.request_page, name="request_page"),
    path("<uuid:pk>/tasks/", views.task_list, name="request_tasks"),
    path("<uuid:pk>/tasks/<slug:task>/", views.task, name="request_task"),
    path("<uuid:pk>/tasks/<slug:task>/<slug:key>/", views.question, name="request_question"),
    path("<uuid:pk>/check/", views.check, name="request_check"),
    path("<uuid:pk>/delete/", views.discard, name="request_delete"),
    path("<uuid:pk>/sent/", sent_views.sent, name="request_sent"),
    path("<uuid:pk>/receipt.pdf", sent_views.receipt, name="request_receipt"),
    path("<uuid:pk>/reply/", sent_views.reply, name="request_reply"),
    path("<uuid:pk>/read/", sent_views.mark_read, name="request_read"),
    path("<uuid:pk>/files/", request_files.add, name="request_files"),
    path("<uuid:pk>/files/<uuid:file>/", request_files.give, name="request_file"),
    path("<uuid:pk>/take-back/", sent_views.take_back, name="request_take_back"),
]
