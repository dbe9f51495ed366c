"""Loading the roster: every problem by row and column, whole or not at all, and back again."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from fhir.resources.R4B.bundle import Bundle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.models import Event
from hematon.portal.directory.actions import ActionRefusedError
from hematon.portal.directory.demonstration import EXPERTS, load_demonstration_experts
from hematon.portal.directory.models import Expert, RosterUpload
from hematon.portal.directory.npi import is_npi
from hematon.portal.directory.roster import actions, fhir, tabular
from hematon.portal.directory.roster.records import COLUMNS, ExpertRecord

TODAY = date(2026, 11, 23)
NO_LICENSES: frozenset[tuple[str, str, date]] = frozenset()


def row(number: int, **changes: str) -> dict[str, str]:
    """One right row of a roster, changed."""
    return {
        "id": f"sample-{number}",
        "given_names": "Sample physician",
        "family_name": f"N{number:04}",
        "credentials": "MD; PhD",
        "role": "hematologist",
        "specialties": "platelets",
        "conditions": "fanconi-anemia",
        "languages": "en; es",
        "locations": "Floor 2",
        "states": "CO:2027-05-31",
        "pronouns": "",
        "education": "",
        "npi": "",
        "telehealth": "yes",
        "accepting_new": "no",
        "active": "yes",
        "active_from": "2026-01-01",
        "active_to": "",
    } | changes


def table(*rows: dict[str, str]) -> str:
    """Those rows as CSV."""
    lines = [",".join(COLUMNS)]
    lines += [",".join(f'"{one[name]}"' for name in COLUMNS) for one in rows]
    return "\r\n".join(lines) + "\r\n"


def problems(text: str) -> list[tuple[int, str]]:
    """Row and column of each problem."""
    return [(p.row, p.column) for p in tabular.read(text, NO_LICENSES, TODAY)[1]]


@pytest.mark.parametrize(
    ("npi", "right"),
    [("1234567893", True), ("1234567890", False), ("123456789", False), ("3234567893", False)],
)
def test_npi_check_digit(npi: str, right: bool) -> None:
    """1234567893 is the worked example of CMS; one digit off is wrong."""
    assert is_npi(npi) is right


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"id": "Not An Id"}, "id"),
        ({"id": "ratings"}, "id"),
        ({"given_names": ""}, "given_names"),
        ({"family_name": "x" * 101}, "family_name"),
        ({"family_name": "A\u202eB"}, "family_name"),
        ({"credentials": "MD; WIZARD"}, "credentials"),
        ({"role": "wizard"}, "role"),
        ({"languages": ""}, "languages"),
        ({"states": "CO"}, "states"),
        ({"states": "CO:2026-11-22"}, "states"),
        ({"states": "XX:2027-01-01"}, "states"),
        ({"states": "CO:2027-01-01; CO:2028-01-01"}, "states"),
        ({"npi": "1234567890"}, "npi"),
        ({"telehealth": "maybe"}, "telehealth"),
        ({"active_from": "31/05/2027"}, "active_from"),
        ({"active_from": "2026-02-30"}, "active_from"),
        ({"active_to": "2025-12-31"}, "active_to"),
    ],
)
def test_each_problem_names_its_row_and_column(change: dict[str, str], column: str) -> None:
    """A wrong cell in the third line of the file is found there, and nowhere else."""
    assert problems(table(row(1), row(2, **change))) == [(3, column)]


def test_every_problem_is_told_not_the_first() -> None:
    """Three wrong rows of 120 are three problems by line."""
    rows = [row(n) for n in range(120)]
    rows[4]["npi"], rows[50]["credentials"], rows[118]["states"] = (
        "1234567890",
        "XYZ",
        "CO:2020-01-01",
    )
    assert problems(table(*rows)) == [(6, "npi"), (52, "credentials"), (120, "states")]


def test_people_stand_once_in_a_file() -> None:
    """The same id or NPI twice is a problem of the second row."""
    twice = table(row(1, npi="1234567893"), row(1), row(2, npi="1234567893"))
    assert problems(twice) == [(3, "id"), (4, "npi")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("id,name\n", "is missing"),
        (table(row(1)).replace("active_to", "active_to,extra", 1), "is not a column"),
        (table(), "has no experts"),
        (table(row(1)) + '"open', "is not CSV"),
        (table(row(1)) + "a,b\r\n", "has 2 cells"),
    ],
)
def test_a_file_of_another_shape_is_refused_in_words(text: str, said: str) -> None:
    """The message says what is wrong with the file."""
    found = tabular.read(text, NO_LICENSES, TODAY)[1]
    assert any(said in problem.message for problem in found)


def test_a_license_that_expires_later_may_stay_in_the_file() -> None:
    """An expired license cannot come new, but an export with it loads again."""
    text = table(row(1, states="CO:2026-11-22"))
    known = frozenset({("sample-1", "CO", date(2026, 11, 22))})
    assert tabular.read(text, known, TODAY)[1] == []


_TEXT = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=";"), min_size=1, max_size=12
)
_FORMULA = st.sampled_from(["=1+1", "'=1", "''@x", "-2", "+a", "'plain"])


@st.composite
def records(draw: st.DrawFn) -> ExpertRecord:
    """Experts as a roster may hold them."""
    from unicodedata import normalize

    def text() -> str:
        return normalize("NFC", draw(_TEXT | _FORMULA))

    number = draw(st.integers(0, 10**6))
    return ExpertRecord(
        id=f"sample-{number}",
        given_names=text(),
        family_name=text(),
        credentials=tuple(draw(st.lists(st.sampled_from(["MD", "PA-C", "CGC"]), unique=True))),
        role="nurse_practitioner",
        specialties=tuple(draw(st.lists(st.sampled_from(["platelets", "support"]), unique=True))),
        conditions=tuple(draw(st.lists(st.sampled_from(["fanconi-anemia"]), unique=True))),
        languages=tuple(
            draw(st.lists(st.sampled_from(["en", "es", "asl"]), unique=True, min_size=1))
        ),
        locations=tuple(dict.fromkeys(text() for _ in range(draw(st.integers(0, 3))))),
        states=tuple(sorted(draw(st.dictionaries(st.sampled_from(["CO", "UT"]), _LATER)).items())),
        pronouns=draw(st.sampled_from(["", "she", "they"])),
        education=tuple(dict.fromkeys(text() for _ in range(draw(st.integers(0, 2))))),
        npi=draw(st.sampled_from(["", "1234567893"])),
        telehealth=draw(st.booleans()),
        accepting_new=draw(st.booleans()),
        active=draw(st.booleans()),
        active_from=TODAY,
        active_to=draw(st.none() | _LATER),
    )


_LATER = st.dates(TODAY, date(2100, 1, 1))


@given(records())
def test_both_exports_read_back_as_the_same_expert(one: ExpertRecord) -> None:
    """CSV and FHIR lose nothing and add nothing, formulas and apostrophes included."""
    assert tabular.read(tabular.write([one]), NO_LICENSES, TODAY) == ([one], [])
    assert fhir.read(fhir.write([one]), NO_LICENSES, TODAY) == ([one], [])


@given(records())
def test_no_exported_cell_is_a_formula(one: ExpertRecord) -> None:
    """No cell begins with what a spreadsheet runs."""
    import csv
    import io

    for cells in csv.reader(io.StringIO(tabular.write([one]), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


@given(records())
@settings(max_examples=20)
def test_the_bundle_is_fhir_r4(one: ExpertRecord) -> None:
    """An independent model of the standard takes it."""
    bundle = Bundle.model_validate_json(fhir.write([one]))
    assert len(bundle.entry) == 2


_ELEMENTS = [
    *("resourceType", "id", "name", "given", "code", "coding", "extension", "period", "active"),
    *("practitioner", "reference", "qualification", "url", "identifier"),
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_ELEMENTS),
            inner | st.sampled_from(["Practitioner", "PractitionerRole"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.lists(_JSON, max_size=4))
def test_no_bundle_breaks_the_reader(resources: list[Any]) -> None:
    """Whatever its shape, a Bundle gives experts or problems, never an exception."""
    bundle = {"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]}
    given_experts, found = fhir.read(json.dumps(bundle), NO_LICENSES, TODAY)
    assert given_experts or found


@given(st.text(max_size=200))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_text_breaks_the_readers(text: str) -> None:
    """Any text is read as a roster of nobody, with problems."""
    for reader in (tabular.read, fhir.read):
        assert reader(text, NO_LICENSES, TODAY)[1]


def test_a_role_without_its_person_is_a_problem() -> None:
    """Entries are numbered as they stand in the Bundle."""
    bundle = json.loads(fhir.write(EXPERTS[:2]))
    del bundle["entry"][2]
    found = fhir.read(json.dumps(bundle), NO_LICENSES, TODAY)[1]
    assert [(p.row, p.column) for p in found] == [(3, "PractitionerRole.practitioner")]


# --- in the database -----------------------------------------------------------------------------


@pytest.fixture
def admin(db: None) -> User:
    """An administrator."""
    return User.objects.create_user("admin@tests.invalid")


def load(text: str, by: User, kind: str = "csv") -> actions.Difference:
    """Upload and apply."""
    upload, found = actions.upload_roster(text=text, kind=kind, by=by, today=TODAY)
    assert not found
    assert upload is not None
    return actions.apply_roster(upload=upload, by=by, today=TODAY)


def test_new_changed_and_deactivated_are_told_apart(admin: User) -> None:
    """Of a roster changed by hand: 5 new, 2 changed, 1 gone; the gone one is kept, hidden."""
    load(table(*(row(n) for n in range(10))), admin)
    rows = [row(n) for n in range(9)] + [row(n) for n in range(20, 25)]
    rows[0]["languages"], rows[1]["states"] = "en", "CO:2028-05-31; UT:2028-01-31"
    done = load(table(*rows), admin)
    assert (len(done.new), len(done.changed), len(done.deactivated), done.unchanged) == (5, 2, 1, 7)
    assert [change.column for change in done.changed[1][1]] == ["states"]
    gone = Expert.objects.get(slug="sample-9")
    assert not gone.is_listed(TODAY)
    applied = Event.objects.filter(action="roster.applied").first()
    assert applied is not None
    assert applied.actor == admin
    assert applied.detail == {"before": 10, "new": 5, "changed": 2, "deactivated": 1}


@pytest.mark.parametrize("kind", ["csv", "fhir"])
def test_importing_the_export_again_changes_nothing(admin: User, kind: str) -> None:
    """0 changes, with former members and licenses in it."""
    load_demonstration_experts()
    Expert.objects.filter(slug="sample-nurse-h").update(active=False)
    text = actions.export_roster(kind=kind, by=admin)
    done = load(text, admin, kind)
    assert done.empty
    assert done.unchanged == len(EXPERTS)


def test_a_bad_row_999_of_1000_loads_nothing(admin: User) -> None:
    """T-55: all or nothing, and the row is named."""
    rows = [row(n) for n in range(1000)]
    rows[998]["role"] = "wizard"
    upload, found = actions.upload_roster(text=table(*rows), kind="csv", by=admin, today=TODAY)
    assert upload is None
    assert [(p.row, p.column) for p in found] == [(1000, "role")]
    assert not Expert.objects.exists()


def test_a_failure_in_the_middle_leaves_the_directory_as_it_was(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error while the third expert is stored takes back the first two."""
    upload, _ = actions.upload_roster(
        text=table(*(row(n) for n in range(5))), kind="csv", by=admin, today=TODAY
    )
    assert upload is not None
    store, stored = actions._store, []

    def fail_at_third(one: ExpertRecord) -> None:
        stored.append(one)
        if len(stored) == 3:
            raise OSError
        store(one)

    monkeypatch.setattr(actions, "_store", fail_at_third)
    with pytest.raises(OSError):  # noqa: PT011 - the one raised above
        actions.apply_roster(upload=upload, by=admin, today=TODAY)
    assert not Expert.objects.exists()
    assert RosterUpload.objects.exists()


def test_a_comparison_that_is_out_of_date_is_not_applied(admin: User) -> None:
    """When somebody else loads first, the second must compare again."""
    other = User.objects.create_user("other@tests.invalid")
    upload, _ = actions.upload_roster(text=table(row(1)), kind="csv", by=admin, today=TODAY)
    assert upload is not None
    load(table(row(2)), other)
    with pytest.raises(ActionRefusedError, match="changed since"):
        actions.apply_roster(upload=upload, by=admin, today=TODAY)


def test_an_npi_never_moves_to_another_id(admin: User) -> None:
    """The roster says so before anything is written."""
    load(table(row(1, npi="1234567893")), admin)
    _, found = actions.upload_roster(
        text=table(row(1, npi=""), row(2, npi="1234567893")), kind="csv", by=admin, today=TODAY
    )
    assert [p.column for p in found] == ["npi of sample-2"]


def test_an_administrator_loads_a_roster_by_the_pages(signed_in: Any) -> None:
    """Upload with errors, then right; compare; apply; the public list has it; export."""
    client = signed_in(Role.ADMINISTRATOR)

    def send(text: str) -> Any:
        file = SimpleUploadedFile("roster.csv", text.encode(), content_type="text/csv")
        return client.post("/staff/roster/", {"file": file})

    page = send(table(row(1), row(2, npi="1234567890"))).content.decode()
    assert "<title>Error: Roster" in page
    assert '<td data-label="Row">3</td><td data-label="Column">npi</td>' in page
    assert send(table(row(1), row(2))).url == "/staff/roster/compare/"
    assert not Expert.objects.exists()
    assert "2 new, 0 changed" in client.get("/staff/roster/compare/").content.decode()
    assert not Expert.objects.exists()
    client.post("/staff/roster/compare/")
    assert "Sample physician N0002" in client.get("/en/experts/").content.decode()
    assert client.get("/staff/roster/compare/").status_code == 404
    exported = client.post("/staff/roster/export/csv/")
    assert exported.headers["Content-Disposition"] == 'attachment; filename="roster.csv"'
    assert client.get("/staff/roster/export/csv/").status_code == 405
    send(exported.content.decode())
    assert "0 changes" in client.get("/staff/roster/compare/").content.decode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty"),
        (b"\xff\xfe\x00bad", "must be text in UTF-8"),
        (b"PK\x03\x04\x00", "must be CSV or JSON"),
        (b"{" * 100_000, "is not JSON"),
        (b'{"resourceType": "Patient"}', "is not Bundle"),
    ],
)
def test_other_files_are_refused_in_words(signed_in: Any, content: bytes, said: str) -> None:
    """The page says what to send instead; nothing is loaded."""
    file = SimpleUploadedFile("roster.csv", content)
    page = signed_in(Role.ADMINISTRATOR).post("/staff/roster/", {"file": file})
    assert page.status_code == 200
    assert said in page.content.decode()
    assert not RosterUpload.objects.exists()
