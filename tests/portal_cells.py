"""Who may open what, cell by cell: every route x person x method x language, asked and judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.core.cache import cache
from django.http.response import HttpResponseBase
from django.test import Client

from hematon.portal.accounts.models import Kind, Role, StaffRole, User
from portal_routes import Route, matrix

STAFF_LOGIN, FAMILY_LOGIN, CLINICIAN_LOGIN = (
    "/sign-in/login/",
    "/account/sign-in/",
    "/clinicians/sign-in/",
)
SIGN_INS = (STAFF_LOGIN, FAMILY_LOGIN, CLINICIAN_LOGIN)
SECOND_FACTOR = "/sign-in/2fa/"
METHODS = ("GET", "HEAD", "POST")
NO_ROLE, NO_FACTOR, ANONYMOUS = "staff without a role", "staff without a factor", "anonymous"
PEOPLE = (ANONYMOUS, "family", "referrer", *Role.values, NO_ROLE, NO_FACTOR)


@dataclass(frozen=True)
class Cell:
    """One question to the portal."""

    route: str
    person: str
    method: str
    address: str


def people() -> dict[str, Client]:
    """Make everyone who may come, each in a browser of their own; needs the database."""
    found = {ANONYMOUS: Client()}
    for kind in (Kind.FAMILY, Kind.REFERRER):
        user = User.objects.create_without_password(f"{kind.value}@cells.invalid", kind)
        found[kind.value] = _signed_in(user)
    for name in (*Role.values, NO_ROLE, NO_FACTOR):
        user = User.objects.create_user(
            f"{name.replace(' ', '-')}@cells.invalid", "a long enough one"
        )
        roles = {NO_ROLE: [], NO_FACTOR: Role.values}.get(name, [name])
        StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in roles)
        if name != NO_FACTOR:
            TOTP.activate(user, generate_totp_secret())
        found[name] = _signed_in(user)
    return found


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def cells(route: Route) -> Iterator[Cell]:
    """Give every question about a route."""
    for address in route.addresses:
        for person in PEOPLE:
            for method in METHODS:
                yield Cell(route.name, person, method, address)


def wrong(route: Route) -> tuple[int, list[str]]:
    """Ask everything about a route.

    Returns:
        How many cells were asked, and each that was answered wrongly.
    """
    found, asked, known = [], 0, people()
    keys = {
        name: client.cookies.get(settings.SESSION_COOKIE_NAME) for name, client in known.items()
    }
    for cell in cells(route):
        cache.clear()
        # Some pages sign out; whoever comes next is signed in again.
        if keys[cell.person] is not None and "_auth_user_id" not in known[cell.person].session:
            known[cell.person] = _signed_in(_user_of(cell.person))
        answer = known[cell.person].generic(cell.method, cell.address)
        asked += 1
        why = judge(cell, answer)
        if why:
            found.append(f"{cell.person} {cell.method} {cell.address}: {why}")
    return asked, found


def _user_of(person: str) -> User:
    if person in (Kind.FAMILY.value, Kind.REFERRER.value):
        user = User.objects.with_address(f"{person}@cells.invalid", Kind(person))
        assert user is not None
        return user
    return User.objects.get(email=f"{person.replace(' ', '-')}@cells.invalid")


def judge(cell: Cell, answer: HttpResponseBase) -> str:
    """Say what is wrong with an answer; nothing when it is what the matrix asks for."""
    groups = set(matrix()[cell.route].replace(",", " ").split())
    status, where = answer.status_code, answer.headers.get("Location", "").partition("?")[0]
    if status >= 500:
        return f"{status}"
    if "anyone" in groups:
        # The staff's sign-in sends who is signed in on to the staff's start page, which judges.
        return f"{status} at an open page" if status == 403 else ""
    if cell.person == ANONYMOUS:
        return "" if status == 302 and where.endswith(SIGN_INS) else f"{status} {where}"
    if cell.person == NO_FACTOR and cell.address.startswith("/staff/"):
        return "" if status == 302 and where == SECOND_FACTOR else f"{status} {where}"
    if may(cell.person, groups):
        refused = status == 403 or (status == 302 and where.endswith(SIGN_INS))
        return f"{status} {where} to who may" if refused else ""
    return "" if status == 403 else f"{status} {where} to who may not"


def may(person: str, groups: set[str]) -> bool:
    """Say whether a person belongs to who may open a page."""
    if person in (Kind.FAMILY.value, Kind.REFERRER.value):
        return person in groups
    if "account" in groups:
        return True
    return person in groups or ("staff" in groups and person not in (NO_ROLE, NO_FACTOR))
