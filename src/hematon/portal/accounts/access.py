"""Who may open a page. `open_page` is for anyone, `staff_page` for signed-in roles."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from hematon.portal.accounts.models import Role, User
from hematon.portal.ui.open import open_page

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)

__all__ = ["Role", "open_page", "staff_of", "staff_page"]


def staff_of(request: HttpRequest) -> User:
    """Give the signed-in person.

    Raises:
        PermissionDenied: nobody is signed in.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def staff_page(
    *roles: Role,
) -> Callable[[Callable[Concatenate[HttpRequest, P], R]], Callable[Concatenate[HttpRequest, P], R]]:
    """Let in staff who hold one of the roles, or any role when none is named.

    The role is looked up at every request, so that taking it away bites at once.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], R],
    ) -> Callable[Concatenate[HttpRequest, P], R]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if not staff_of(request).holds(*(roles or tuple(Role))):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate
