"""Where something happens: the page that is being answered and the address it is answered to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from hematon.portal.vault.sealing import blind_index


@dataclass
class Answering:
    """One request while it is answered.

    Attributes:
        request: it.
        sign_out: the action that is recorded if the session ends in it.
        purpose: why a record is used in it, where that is not what the page is for.
    """

    request: HttpRequest
    sign_out: str = "session.ended"
    purpose: str = ""

    @property
    def route(self) -> str:
        """Name the page, never its address, which could hold anything."""
        match = self.request.resolver_match
        if match is None:
            try:
                match = resolve(self.request.path_info)
            except Resolver404:
                return ""
        return match.view_name or ""

    @cached_property
    def client(self) -> str:
        """Give a keyed hash of the address: the same for the same, and not the address."""
        try:
            address: str = get_adapter().get_client_ip(self.request)
        except (ImproperlyConfigured, PermissionDenied):
            return ""
        return blind_index(address, "audit.client")[:32]


_answering: ContextVar[Answering | None] = ContextVar("answering", default=None)


def answering() -> Answering | None:
    """Give the request that is being answered; None in a command or the worker."""
    return _answering.get()


@contextmanager
def while_answering(request: HttpRequest) -> Iterator[None]:
    """Let what is recorded meanwhile say where it happened."""
    token = _answering.set(Answering(request))
    try:
        yield
    finally:
        _answering.reset(token)


def ends_by_itself() -> None:
    """Say that the session which ends now ran out, and that nobody signed out of it."""
    now = _answering.get()
    if now is not None:
        now.sign_out = "session.timed_out"


def used_for(purpose: str) -> None:
    """Say why a record is used in this request; every row that follows says so too.

    Args:
        purpose: a code of `models.Purpose`.
    """
    now = _answering.get()
    if now is not None:
        now.purpose = purpose
