"""Every address of the portal. `access_matrix.yaml` says who may open each."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path
from django.views.i18n import set_language

from hematon.portal.operations.notices import failed_notices
from hematon.portal.ui import views
from hematon.portal.ui.open import open_page

urlpatterns = [
    path("", views.root, name="root"),
    path("healthz", views.healthz, name="healthz"),
    path("robots.txt", views.robots, name="robots"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path("csp-report", views.csp_report, name="csp_report"),
    path("language", open_page(set_language), name="set_language"),
    path("sign-in/", include("hematon.portal.accounts.urls")),
    path("clinicians/", include("hematon.portal.accounts.clinician_urls")),
    path("clinicians/", include("hematon.portal.referrals.urls")),
    path("staff/", include("hematon.portal.accounts.staff_urls")),
    path("staff/", include("hematon.portal.learn.staff_urls")),
    path("staff/", include("hematon.portal.inbox.staff_urls")),
    path("staff/", include("hematon.portal.directory.staff_urls")),
    path("staff/", include("hematon.portal.clinic.urls")),
    path("staff/", include("hematon.portal.opinions.staff_urls")),
    path("clinicians/", include("hematon.portal.opinions.clinician_urls")),
    path("staff/", include("hematon.portal.visits.staff_urls")),
    path("staff/", include("hematon.portal.privacy.urls")),
    path("staff/notices/", failed_notices, name="failed_notices"),
    path("staff/", include("hematon.portal.programme.staff_urls")),
    path("staff/", include("hematon.portal.families.staff_urls")),
    path("staff/", include("hematon.portal.operations.urls")),
    *i18n_patterns(
        path("", include("hematon.portal.learn.urls")),
        path("account/", include("hematon.portal.accounts.family_urls")),
        path("get-care/", include("hematon.portal.care.urls")),
        path("requests/", include("hematon.portal.care.request_urls")),
        path("requests/", include("hematon.portal.opinions.family_urls")),
        path("blood-counts/", include("hematon.portal.counts.urls")),
        path("experts/", include("hematon.portal.directory.urls")),
        path("video-visits/", include("hematon.portal.visits.urls")),
        path("visits/", include("hematon.portal.visits.booking_urls")),
        path("children/", include("hematon.portal.families.urls")),
    ),
]

handler400 = "hematon.portal.ui.views.bad_request"
handler403 = "hematon.portal.ui.views.forbidden"
handler429 = "hematon.portal.ui.views.too_many"
handler404 = "hematon.portal.ui.views.not_found"
handler500 = "hematon.portal.ui.views.server_error"
