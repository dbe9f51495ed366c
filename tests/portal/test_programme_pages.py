"""S40: what the programme sets, in words; changed as checked text, signed, exported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from django.test import Client

from hematon.portal.accounts.models import Role, User
from hematon.portal.programme import rules, words
from hematon.portal.programme.forms import written
from hematon.portal.programme.models import Edition, Kind
from hematon.portal.programme.shapes import RatingRules

PLACE = "/staff/settings/"
AT = datetime(2026, 11, 23, 18, tzinfo=UTC)
Signed = Callable[..., Client]
pytestmark = pytest.mark.django_db


def confirmed(client: Client) -> Client:
    """A browser whose person has just confirmed who they are."""
    client.post("/sign-in/reauthenticate/", {"password": "a long enough password"})
    return client


def text(kind: Kind = Kind.RATINGS, **change: Any) -> str:
    """The shipped rules with a change, as typed."""
    value = yaml.safe_load(written(rules.default(kind)))
    return yaml.safe_dump({**value, **change}, sort_keys=False)


def post(client: Client, typed: str, kind: Kind = Kind.RATINGS) -> Any:
    """Send a new edition."""
    return client.post(f"{PLACE}{kind}/change/", {"text": typed, "note": "Sample reason"})


def test_every_kind_is_listed_and_says_that_nobody_signed(signed_in: Signed) -> None:
    """Administrators see all, clinicians what they sign."""
    page = signed_in(Role.ADMINISTRATOR).get(PLACE).content.decode()
    assert page.count("Not signed") == len(Kind)
    page = signed_in(Role.CLINICIAN).get(PLACE).content.decode()
    assert "Reading order" in page
    assert "Retention" not in page
    assert page.count("Not signed") == 1


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_is_read_in_words_with_its_sources(signed_in: Signed, kind: Kind) -> None:
    """Every line, and where its figure comes from."""
    from django.utils.html import escape
    from django.utils.text import capfirst

    page = signed_in(Role.ADMINISTRATOR).get(f"{PLACE}{kind}/").content.decode()
    said = words.lines(kind, rules.default(kind))
    assert said
    for line in said:
        assert escape(capfirst(line.text)) in page
        assert escape(line.source) in page


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_shown_for_editing_can_be_sent_as_it_is(signed_in: Signed, kind: Kind) -> None:
    """The text that the form begins with is accepted, and means the same."""
    client = signed_in(Role.ADMINISTRATOR)
    answer = post(client, written(rules.default(kind)), kind)
    assert answer.status_code == 302, answer.content.decode()
    made = Edition.objects.get()
    assert rules.KINDS[kind].model_validate(made.value) == rules.default(kind)
    assert "Nothing." in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("least: [", "Line 1: "),
        ("a: &x 1\nb: *x", "Line 2: write it out: references"),
        ("just words", "dictionary"),
        (text(least="many"), "least: "),
        (text(extra=1), "extra: "),
        (text(excluded_roles=["glassblower"]), "glassblower is not a role"),
        (text(sources={"least": "CO2"}), "sources: excluded_roles, window_days must name"),
        ("[" * 3000, "YAML"),
        ("!!python/object/apply:os.system ['true']", "Line 1"),
    ],
)
def test_mistakes_name_the_place(signed_in: Signed, typed: str, said: str) -> None:
    """In the summary and beside the box, with what was typed; nothing is kept."""
    answer = post(signed_in(Role.ADMINISTRATOR), typed)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<title>Error:" in page
    assert said in page
    assert not Edition.objects.exists()


def test_an_hour_without_quotes_is_refused(signed_in: Signed) -> None:
    """YAML reads 15:00 as 900, which would be a quarter past midnight."""
    typed = written(rules.default(Kind.PROMISES)).replace("'15:00:00'", "15:00")
    page = post(signed_in(Role.ADMINISTRATOR), typed, Kind.PROMISES).content.decode()
    assert "write the hour in quotes" in page


def test_a_place_inside_the_reading_order_is_named(signed_in: Signed) -> None:
    """The rule and the part of it."""
    value = yaml.safe_load(written(rules.default(Kind.THRESHOLDS)))
    value["rules"][2]["when"]["unit"] = "g"
    page = post(signed_in(Role.CLINICIAN), yaml.safe_dump(value), Kind.THRESHOLDS).content.decode()
    assert "rules.2.when" in page
    assert "unit: platelets comes in" in page


def test_making_comparing_and_signing(signed_in: Signed) -> None:
    """The difference is shown; the signature puts it into force and names the person."""
    client = confirmed(signed_in(Role.ADMINISTRATOR))
    place = post(client, text(least=30))["Location"]
    assert place == f"{PLACE}ratings/1/"
    page = client.get(place).content.decode()
    assert "20 at least before any shows" in page
    assert "30 at least before any shows" in page
    assert rules.current(RatingRules).least == 20
    assert client.post(f"{place}sign/")["Location"] == f"{PLACE}ratings/"
    assert rules.current(RatingRules).least == 30
    page = client.get(f"{PLACE}ratings/").content.decode()
    assert "Edition 1, signed by administrator@tests.invalid" in page
    assert "Sample reason" in page
    assert client.post(f"{place}sign/").status_code == 409


def test_signing_asks_who_is_there(signed_in: Signed) -> None:
    """A session that was not confirmed lately is sent to confirm; nothing is signed."""
    client = signed_in(Role.ADMINISTRATOR)
    place = post(client, text(least=30))["Location"]
    answer = client.post(f"{place}sign/")
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert rules.current(RatingRules).least == 20


def test_an_administrator_makes_thresholds_and_a_clinician_signs(signed_in: Signed) -> None:
    """What orders clinical reading is signed by a clinician alone."""
    administrator = confirmed(signed_in(Role.ADMINISTRATOR))
    typed = written(rules.default(Kind.THRESHOLDS))
    place = post(administrator, typed, Kind.THRESHOLDS)["Location"]
    assert "To be signed by: Clinician." in administrator.get(place).content.decode()
    assert administrator.post(f"{place}sign/").status_code == 403
    assert confirmed(signed_in(Role.CLINICIAN)).post(f"{place}sign/").status_code == 302
    assert rules.in_force(Kind.THRESHOLDS) is not None


def test_a_clinician_sees_no_other_kind(signed_in: Signed) -> None:
    """404, as for a kind that does not exist."""
    client = confirmed(signed_in(Role.CLINICIAN))
    for address in ("ratings/", "ratings/change/", "ratings/0/export/", "nothing/"):
        assert client.get(f"{PLACE}{address}").status_code == 404


def test_an_export_reads_back_as_the_same_rules(signed_in: Signed) -> None:
    """The shipped default by number 0, an edition by its own; with who signed."""
    client = confirmed(signed_in(Role.ADMINISTRATOR))
    place = post(client, text(least=30))["Location"]
    client.post(f"{place}sign/")
    for number, least, signer in ((0, 20, "nobody"), (1, 30, "administrator@tests.invalid")):
        answer = client.get(f"{PLACE}ratings/{number}/export/")
        said = answer.content.decode()
        assert answer["Content-Disposition"] == f'attachment; filename="ratings-{number}.yaml"'
        assert signer in said.splitlines()[0]
        assert RatingRules.model_validate(yaml.safe_load(said)).least == least


def test_problems_of_the_rules_stand_on_the_page(signed_in: Signed) -> None:
    """Rules that this version no longer takes are shown to who can put them right."""
    client = confirmed(signed_in(Role.ADMINISTRATOR))
    assert "no longer fits" not in client.get(PLACE).content.decode()
    by = User.objects.get()
    Edition.objects.create(
        kind=Kind.PROMISES,
        number=1,
        value={},
        note="",
        made_by=by,
        made_at=AT,
        signed_by=by,
        signed_at=AT,
    )
    assert "Promises and clocks, edition 1 no longer fits" in client.get(PLACE).content.decode()


def test_a_decimal_in_the_name_of_a_rule_stays_one() -> None:
    """0_5 is read as 0.5: "0 5" could be taken for 5."""
    said = {line.label for line in words.lines(Kind.THRESHOLDS, rules.default(Kind.THRESHOLDS))}
    assert "neutrophils below 0.5 and fever" in said
    assert not [label for label in said if " 0 " in label]


@pytest.mark.parametrize("part", ["band", "when", "source", "gone", "new"])
def test_no_change_of_a_rule_is_left_out_of_the_difference(part: str) -> None:
    """Another band, number or source, a rule that goes and one that comes."""
    value = yaml.safe_load(written(rules.default(Kind.THRESHOLDS)))
    first = value["rules"][2]
    if part == "band":
        first["band"] = "B"
    elif part == "when":
        first["when"]["below"] = 21
    elif part == "source":
        first["source"] = "another"
    elif part == "gone":
        del value["rules"][2]
    else:
        value["rules"].append({**first, "id": "another"})
    other = rules.read(Kind.THRESHOLDS, value)
    before, after = (
        words.lines(Kind.THRESHOLDS, one) for one in (rules.default(Kind.THRESHOLDS), other)
    )
    (change,) = words.difference(before, after)
    assert change.before != change.after
