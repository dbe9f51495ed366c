"""T-01: who may open each address, for every address there is; grows with the routes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hematon.portal.accounts.middleware import STAFF_ONLY
from hematon.portal.accounts.models import Role
from portal_cells import SIGN_INS, cells, wrong
from portal_routes import Route, names, route_of, routes

LOGIN = "/sign-in/login/"
Signed = Callable[..., Client]
GROUPS = ("anyone", "account", "staff", "family", "referrer", *Role.values)
OWN = {"family", "referrer"}

pytestmark = pytest.mark.django_db


def statuses(client: Client, route: Route) -> list[int]:
    """Give what GET and POST answer, in every language."""
    asked = [(ask, a) for a in route.addresses for ask in (client.get, client.post)]
    return [ask(address).status_code for ask, address in asked]


def sends_to_sign_in(client: Client, route: Route) -> bool:
    """Say whether every GET leads to the sign-in page."""
    answers = [client.get(address) for address in route.addresses]
    places = [a.headers.get("Location", "").partition("?")[0] for a in answers]
    return all(place.endswith(SIGN_INS) for place in places)


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
        # Pages in the middle of signing in send back to its start; no other open page may.
        if not any("/sign-in/" in a for a in route.addresses):
            assert not any("/sign-in/" in w for w in where)
    else:
        assert sends_to_sign_in(client, route)


@pytest.mark.parametrize("name", names())
def test_every_cell(name: str) -> None:
    """T-01, T-02: anonymous, family, referrer, each role, none, by GET, HEAD and POST."""
    asked, found = wrong(route_of(name))
    assert asked == len(list(cells(route_of(name))))
    assert found == []


def test_there_are_enough_cells_to_mean_something(capsys: pytest.CaptureFixture[str]) -> None:
    """The matrix is asked in at least 2,000 cells; `tools/prove_access.py` asks all at once."""
    count = sum(len(list(cells(route))) for route in routes())
    with capsys.disabled():
        print(f" {count} cells of the access matrix ", end="")
    assert count >= 2_000


@pytest.mark.parametrize("name", names(without=("anyone", "account")))
def test_staff_without_the_role(
    name: str, access_matrix: dict[str, str], signed_in: Signed
) -> None:
    """Holding every other role opens nothing of this one, by GET or by POST."""
    who, route = access_matrix[name].replace(",", " ").split(), route_of(name)
    others = [] if "staff" in who else [role for role in Role if role not in who]
    assert set(statuses(signed_in(*others), route)) == {403}


@pytest.mark.parametrize("name", names(without=("anyone", "account")))
def test_without_second_factor_no_staff_page(
    name: str, access_matrix: dict[str, str], signed_in: Signed
) -> None:
    """T-12: every role and no second factor opens none of the pages of roles."""
    if OWN & set(access_matrix[name].replace(",", " ").split()):
        return
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
    closed = [
        route
        for route in routes()
        if not {"anyone", *OWN} & set(access_matrix[route.name].replace(",", " ").split())
    ]
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
