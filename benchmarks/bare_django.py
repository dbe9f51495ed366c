"""The least Django can do: one template of BARE_PAGE_BYTES, Django's own default middleware."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

settings.configure(
    SECRET_KEY="no secret: nothing is kept",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
TEXT = "a" * int(os.environ.get("BARE_PAGE_BYTES", "20000"))


def page(request: HttpRequest) -> HttpResponse:
    """Give the page."""
    template = engines["django"].from_string("{{ text }}")
    return HttpResponse(template.render({"text": TEXT}, request))


urlpatterns = [path("", page)]
application = get_wsgi_application()
