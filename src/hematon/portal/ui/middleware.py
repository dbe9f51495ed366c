"""Headers that every answer carries, errors included, and the methods that are answered."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

Handler = Callable[[HttpRequest], HttpResponseBase]


def headers(get_response: Handler) -> Handler:
    """Keep answers out of shared caches and other sites."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not request.path_info.startswith("/static/"):
            # Pages carry tokens and may carry what a family typed.
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def plain_requests(get_response: Handler) -> Handler:
    """Refuse methods that links and forms do not use, and bodies that no form of ours takes.

    A body is read, and files in it are written to a disk, before any view can look at its size.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal():
            raise RequestDataTooBig
        if int(length[:12]) > settings.MOST_BYTES and not _limits_its_body(request.path_info):
            raise RequestDataTooBig
        return get_response(request)

    return middleware


def _limits_its_body(path: str) -> bool:
    try:
        return getattr(resolve(path).func, "limits_its_body", False)
    except Resolver404:
        return False
