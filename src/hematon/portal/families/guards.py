"""Pages of signed-in families, until `accounts.access` has the marks of this name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from hematon.portal.accounts.models import Kind, User

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


def family_of(request: HttpRequest) -> User:
    """Give the signed-in family.

    Raises:
        PermissionDenied: someone else is signed in, or nobody.
    """
    user = request.user
    if not isinstance(user, User) or user.kind != Kind.FAMILY:
        raise PermissionDenied
    return user


def family_page(
    view: Callable[Concatenate[HttpRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], R]:
    """Let in a signed-in family; others who are signed in get 403, the rest sign in first."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
        family_of(request)
        return view(request, *args, **kwargs)

    return guarded
