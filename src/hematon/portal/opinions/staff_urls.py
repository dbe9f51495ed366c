"""Staff pages of this app."""

from __future__ import annotations

from django.urls import path

from hematon.portal.opinions import assessment_views, opinion_views, packet_views

urlpatterns = [
    path("cases/<uuid:pk>/packet/", packet_views.packet, name="packet"),
    path("cases/<uuid:pk>/packet/packet.pdf", packet_views.packet_pdf, name="packet_pdf"),
    path("cases/<uuid:pk>/packet/packet.json", packet_views.packet_fhir, name="packet_fhir"),
    path(
        "cases/<uuid:pk>/packet/with-files.json",
        packet_views.packet_with_files,
        name="packet_with_files",
    ),
    path("cases/<uuid:pk>/packet/computed/", packet_views.packet_computed, name="packet_computed"),
    path("cases/<uuid:pk>/packet/files/<uuid:key>", packet_views.packet_file, name="packet_file"),
    path("cases/<uuid:pk>/assessment/", assessment_views.case_assessment, name="case_assessment"),
    path(
        "cases/<uuid:pk>/assessment/<int:number>/change/<slug:kind>/",
        assessment_views.assessment_change,
        name="assessment_change",
    ),
    path(
        "cases/<uuid:pk>/assessment/<int:number>/judge/",
        assessment_views.assessment_judge,
        name="assessment_judge",
    ),
    path("cases/<uuid:pk>/assessment/<int:number>/", assessment_views.run, name="run"),
    path(
        "cases/<uuid:pk>/assessment/<int:number>/report/",
        assessment_views.run_report,
        name="run_report",
    ),
    path("judgements/", assessment_views.judgement_counts, name="judgement_counts"),
    path("cases/<uuid:pk>/opinion/", opinion_views.opinion, name="opinion"),
    path("cases/<uuid:pk>/opinion/write/", opinion_views.opinion_write, name="opinion_write"),
    path("cases/<uuid:pk>/opinion/grade/", opinion_views.opinion_grade, name="opinion_grade"),
    path(
        "cases/<uuid:pk>/opinion/revisions/<int:number>/",
        opinion_views.opinion_revision,
        name="opinion_revision",
    ),
    path(
        "cases/<uuid:pk>/opinion/second-reading/",
        opinion_views.opinion_second,
        name="opinion_second",
    ),
    path("cases/<uuid:pk>/opinion/sign/", opinion_views.opinion_sign, name="opinion_sign"),
    path("cases/<uuid:pk>/opinion/release/", opinion_views.opinion_release, name="opinion_release"),
    path(
        "cases/<uuid:pk>/opinion/versions/<int:number>/report.pdf",
        opinion_views.opinion_report,
        name="opinion_report",
    ),
]
