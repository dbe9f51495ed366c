"""T-01: who may open each address, for every address there is; grows with the routes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hematon.portal.accounts.middleware import STAFF_ONLY
from hematon.portal.accounts.models import Role
from portal_routes import Route, names, route_of, routes

LOGIN = "/sign-in/login/"
Signed = Callable[..., Client]
GROUPS = ("anyone", "account", "family", "staff", *Role.values)

pytestmark = pytest.mark.django_db


def statuses(client: Client, route: Route) -> list[int]:
    """Give what GET and POST answer, in every language."""
    asked = [(ask, a) for a in route.addresses for ask in (client.get, client.post)]
    return [ask(address).status_code for ask, address in asked]


def sends_to_sign_in(client: Client, route: Route) -> bool:
    """Say whether every GET leads to the sign-in page."""
    answers = [client.get(address) for address in route.addresses]
    return all(a.status_code == 302 and a["Location"].startswith(LOGIN) for a in answers)


def test_every_route_is_in_the_matrix_and_nothing_else(access_matrix: dict[str, str]) -> None:
    """A route that nobody thought about fails here; so does a line without its route."""
    assert sorted(access_matrix) == sorted(names())
    for name, who in access_matrix.items():
        for group in who.replace(",", " ").split():
            assert group in GROUPS, f"{name}: {group} is nobody"


@pytest.mark.parametrize("name", names())
def test_anonymous(name: str, access_matrix: dict[str, str], client: Client) -> None:
    """Without signing in, the open pages open and no other does."""
    route = route_of(name)
    if access_matrix[name] == "anyone":
        assert not any(s == 403 or s >= 500 for s in statuses(client, route))
        where = [client.get(a).headers.get("Location", "") for a in route.addresses]
        # allauth sends to sign-in from pages in the middle of it; no other open page may.
        if not all(a.startswith("/sign-in/") for a in route.addresses):
            assert not any(w.startswith("/sign-in/") for w in where)
    else:
        assert sends_to_sign_in(client, route)


@pytest.mark.parametrize("name", names(without=("anyone", "account")))
def test_staff_without_the_role(
    name: str, access_matrix: dict[str, str], signed_in: Signed
) -> None:
    """Holding every other role opens nothing of this one, by GET or by POST."""
    who, route = access_matrix[name].replace(",", " ").split(), route_of(name)
    others = [] if "staff" in who else [role for role in Role if role not in who]
    client = signed_in(*others)
    found = statuses(client, route)
    assert set(found) <= {403, 405}
    assert 403 in found


@pytest.mark.parametrize("name", names(without=("family",)))
def test_staff_with_the_role(name: str, access_matrix: dict[str, str], signed_in: Signed) -> None:
    """Each role that is named is enough by itself."""
    who, route = access_matrix[name].replace(",", " ").split(), route_of(name)
    roles = Role.values if {"anyone", "account", "staff"} & set(who) else who
    for role in roles:
        client = signed_in(Role(role))
        for address in route.addresses:
            answer = client.get(address)
            assert answer.status_code < 500
            assert answer.status_code != 403
            assert not answer.headers.get("Location", "").startswith(LOGIN)


@pytest.mark.parametrize("name", names(without=("anyone", "account", "family")))
def test_without_second_factor_no_staff_page(name: str, signed_in: Signed) -> None:
    """T-12: every role and no second factor opens none of the pages of roles."""
    client = signed_in(*Role, second_factor=False)
    for address in route_of(name).addresses:
        assert client.get(address)["Location"] == "/sign-in/2fa/"


@pytest.mark.parametrize("name", names())
def test_wrong_methods(name: str, signed_in: Signed) -> None:
    """T-30: what a page does not offer is refused, for people who may open it too."""
    client = signed_in(*Role)
    for address in route_of(name).addresses:
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
            answer = client.generic(method, address)
            assert answer.status_code == 405, f"{method} {address}"


def test_pages_of_staff_stand_where_sessions_end(access_matrix: dict[str, str]) -> None:
    """The middleware that ends sessions looks at these places alone."""
    closed = [r for r in routes() if access_matrix[r.name] not in ("anyone", "family")]
    assert closed
    for route in closed:
        assert all(a.startswith(STAFF_ONLY) for a in route.addresses), route.name


@pytest.mark.parametrize(
    "address",
    [
        "/.git/config",
        "/.env",
        "/admin/",
        "/admin/login/",
        "/static/",
        "/static/../settings.py",
        "/static/..%2f..%2fsecret-key",
        "/files/",
        "/media/",
        "/server-status",
        "/portal.sqlite3",
        "/secret-key",
        "/sign-in/",
        "/sign-in/3rdparty/",
        "/en/../../etc/passwd",
    ],
)
def test_nothing_stands_where_others_leave_things(client: Client, address: str) -> None:
    """T-13, T-30: no admin site of Django's, no repository, no listing, no files of the portal."""
    assert client.get(address, follow=True).status_code == 404
