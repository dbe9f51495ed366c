"""Who may open a page.

`open_page` is for anyone, `staff_page` for signed-in roles, `family_page` for signed-in families.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from hematon.portal.accounts.models import Kind, Role, User
from hematon.portal.ui.open import open_page

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)

__all__ = ["Role", "family_of", "family_page", "open_page", "staff_of", "staff_page"]


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


def family_of(request: HttpRequest) -> User:
    """Give the signed-in family.

    Raises:
        PermissionDenied: nobody is signed in, or someone else.
    """
    user = staff_of(request)
    if user.kind != Kind.FAMILY:
        raise PermissionDenied
    return user


def family_page(
    view: Callable[Concatenate[HttpRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], R]:
    """Let in a signed-in family; others who are signed in get 403."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
        family_of(request)
        return view(request, *args, **kwargs)

    return guarded
