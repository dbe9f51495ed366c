"""Addresses of this app for clinicians outside."""

from __future__ import annotations

from django.urls import path

from hematon.portal.opinions import report_views as views

urlpatterns = [
    path("referrals/<uuid:pk>/report/", views.referrer_report, name="referrer_report"),
    path(
        "referrals/<uuid:pk>/report/report.pdf",
        views.referrer_report_pdf,
        name="referrer_report_pdf",
    ),
]
