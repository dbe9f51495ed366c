"""Addresses of this app for families."""

from __future__ import annotations

from django.urls import path

from hematon.portal.opinions import report_views as views

urlpatterns = [
    path("<uuid:pk>/report/", views.family_report, name="family_report"),
    path("<uuid:pk>/report/report.pdf", views.family_report_pdf, name="family_report_pdf"),
]
