"""Pages for clinicians outside, in English."""

from __future__ import annotations

from django.urls import path

from hematon.portal.referrals import sending_views, sent_views, views

_ONE = "referrals/<uuid:pk>/"

urlpatterns = [
    path("", views.for_clinicians, name="for_clinicians"),
    path("referrals/", sent_views.referrals, name="referrals"),
    path("referrals/begin/", views.begin, name="referral_begin"),
    path(_ONE, sent_views.referral, name="referral_page"),
    path(f"{_ONE}steps/", views.pages, name="referral_steps"),
    path(f"{_ONE}steps/<slug:key>/", views.question, name="referral_question"),
    path(f"{_ONE}not-here/", views.not_here, name="referral_not_here"),
    path(f"{_ONE}preview/", views.preview, name="referral_preview"),
    path(f"{_ONE}check/", sending_views.check, name="referral_check"),
    path(f"{_ONE}confirm/", sending_views.confirm, name="referral_confirm"),
    path(f"{_ONE}keep/", sending_views.keep, name="referral_keep"),
    path(f"{_ONE}delete/", views.delete, name="referral_delete"),
    path(f"{_ONE}files/<uuid:file>/", views.file, name="referral_file"),
    path(f"{_ONE}sent/", sent_views.sent, name="referral_sent"),
    path(f"{_ONE}receipt.pdf", sent_views.receipt, name="referral_receipt"),
    path(f"{_ONE}reply/", sent_views.reply, name="referral_reply"),
    path(f"{_ONE}read/", sent_views.report_read, name="referral_read"),
    path(f"{_ONE}take-back/", sent_views.take_back, name="referral_take_back"),
]
