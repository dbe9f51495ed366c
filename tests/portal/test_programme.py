"""Rules a programme sets: made, signed, in force, never changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from pydantic import ValidationError

from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.models import Event
from hematon.portal.programme import actions, rules
from hematon.portal.programme.models import AppendOnlyError, Edition, Kind
from hematon.portal.programme.shapes import (
    AgeRules,
    Calendar,
    Promises,
    RatingRules,
    Retention,
    Rules,
    Span,
    Vendor,
)
from hematon.portal.programme.thresholds import Thresholds
from hematon.portal.ui.site import site

AT = datetime(2026, 11, 23, 18, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def person(*roles: Role) -> User:
    """Staff with these roles."""
    user = User.objects.create_user(f"{'-'.join(roles)}@tests.invalid", name="Sample person")
    StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in roles)
    return user


def ratings(least: int = 30, **change: Any) -> dict[str, Any]:
    """Rating rules with another least."""
    shipped = rules.default(Kind.RATINGS).model_dump(mode="json")
    return {**shipped, "least": least, **change}


def made(by: User, least: int = 30) -> Edition:
    """An unsigned edition."""
    return actions.make(kind=Kind.RATINGS, value=ratings(least), note="Sample reason", by=by, at=AT)


# --- what is in force ----------------------------------------------------------------------------


def test_shipped_defaults_apply_unsigned() -> None:
    """Every kind has rules from the first day, and says that nobody signed them."""
    for kind, model in rules.KINDS.items():
        assert rules.current(model) == rules.default(kind)
        assert rules.signature(model) is None


def test_only_a_signature_puts_an_edition_into_force() -> None:
    """Made is not signed; signed applies from the next question on."""
    by = person(Role.ADMINISTRATOR)
    edition = made(by)
    assert rules.current(RatingRules).least == 20
    actions.sign(edition=edition, by=by, at=AT + timedelta(hours=1))
    assert rules.current(RatingRules).least == 30
    found = rules.signature(RatingRules)
    assert found is not None
    assert (found.name, found.at, found.number) == ("Sample person", AT + timedelta(hours=1), 1)


def test_the_latest_signed_edition_is_in_force_and_no_earlier_one_comes_back() -> None:
    """A draft that a later signature overtook cannot be signed any more."""
    by = person(Role.ADMINISTRATOR)
    first, second, third = made(by, 30), made(by, 40), made(by, 50)
    actions.sign(edition=second, by=by, at=AT)
    assert rules.current(RatingRules).least == 40
    with pytest.raises(actions.NotInThisState):
        actions.sign(edition=first, by=by, at=AT)
    actions.sign(edition=third, by=by, at=AT)
    assert rules.current(RatingRules).least == 50


def test_a_signature_is_given_once() -> None:
    """The second signer is refused and the first one's name stays."""
    by, other = person(Role.ADMINISTRATOR), person(Role.ADMINISTRATOR, Role.EDITOR)
    edition = made(by)
    actions.sign(edition=edition, by=by, at=AT)
    with pytest.raises(actions.NotInThisState):
        actions.sign(edition=edition, by=other, at=AT)
    assert Edition.objects.get().signed_by == by


@pytest.mark.parametrize("kind", list(Kind))
def test_who_may_sign(kind: Kind) -> None:
    """Thresholds a clinician alone, everything else an administrator alone."""
    value = rules.default(kind).model_dump(mode="json", exclude_defaults=True)
    administrator = person(Role.ADMINISTRATOR)
    edition = actions.make(kind=kind, value=value, note="", by=administrator, at=AT)
    right = Role.CLINICIAN if kind == Kind.THRESHOLDS else Role.ADMINISTRATOR
    wrong = person(*(role for role in Role if role != right))
    with pytest.raises(actions.NotPermitted):
        actions.sign(edition=edition, by=wrong, at=AT)
    actions.sign(edition=edition, by=person(right, Role.PRIVACY), at=AT)
    assert rules.in_force(kind) == edition


def test_others_make_no_editions() -> None:
    """Not even one that nobody signs."""
    with pytest.raises(actions.NotPermitted):
        made(person(Role.INTAKE, Role.CLINICIAN))
    assert not Edition.objects.exists()


def test_making_and_signing_are_in_the_audit_without_their_text() -> None:
    """Kind and number; neither the note nor the rules."""
    by = person(Role.ADMINISTRATOR)
    edition = made(by)
    actions.sign(edition=edition, by=by, at=AT)
    found = list(Event.objects.order_by("pk").values_list("action", "detail"))
    detail = {"kind": "ratings", "number": 1}
    assert found == [("rules.made", detail), ("rules.signed", detail)]
    assert "Sample reason" not in str(found)


def test_an_edition_that_no_longer_fits_stops_and_is_reported() -> None:
    """`hematon portal check` names it; nothing falls back to rules nobody chose."""
    by = person(Role.ADMINISTRATOR)
    assert list(rules.problems()) == []
    edition = {"number": 1, "note": "", "made_by": by, "made_at": AT}
    for kind in (Kind.RATINGS, Kind.PROMISES):
        Edition.objects.create(kind=kind, value={"least": 3}, **edition, signed_by=by, signed_at=AT)
    with pytest.raises(ImproperlyConfigured, match="Ratings, edition 1 no longer fits"):
        rules.current(RatingRules)
    said = "\n".join(rules.problems())
    assert "Ratings, edition 1" in said
    assert "Promises and clocks, edition 1" in said


def test_the_calendar_is_the_site_files() -> None:
    """One source: what pages print is what clocks run by."""
    here, found = site(), rules.current(Calendar)
    assert (found.opens, found.closes) == (here.office.opens, here.office.closes)
    assert found.closed_on == here.office.closed_on
    assert rules.signature(Calendar) is None


def test_a_question_of_the_rules_costs_one_query(django_assert_num_queries: Any) -> None:
    """An edition is read once per process and asked for by its key."""
    by = person(Role.ADMINISTRATOR)
    actions.sign(edition=made(by), by=by, at=AT)
    rules.current(RatingRules)
    with django_assert_num_queries(1):
        rules.current(RatingRules)


# --- append-only ---------------------------------------------------------------------------------


def test_editions_are_only_added() -> None:
    """No path of the models' own changes or deletes a row."""
    by = person(Role.ADMINISTRATOR)
    edition = made(by)
    edition.number = 7
    for change in (
        edition.save,
        edition.delete,
        lambda: Edition.objects.update(number=7),
        lambda: Edition.objects.filter(pk=edition.pk).delete(),
        lambda: Edition.objects.bulk_update([edition], ["number"]),
        lambda: Edition.objects.update_or_create(pk=edition.pk, defaults={"number": 7}),
    ):
        with pytest.raises(AppendOnlyError):
            change()
    assert Edition.objects.get().number == 1


@pytest.mark.parametrize(
    "change",
    [
        {"number": 1},
        {"number": 0},
        {"kind": "other"},
        {"signed_at": AT},
        {"signed_by": True},
        {"signed_by": True, "signed_at": AT - timedelta(seconds=1)},
    ],
)
def test_the_database_refuses_what_makes_no_sense(change: dict[str, Any]) -> None:
    """The same number twice, no number, an unknown kind, half a signature, one from before."""
    by = person(Role.ADMINISTRATOR)
    made(by)
    row: dict[str, Any] = {
        "kind": Kind.RATINGS,
        "number": 2,
        "value": ratings(),
        "note": "",
        "made_by": by,
        "made_at": AT,
        **change,
    }
    if "signed_by" in row:
        row["signed_by"] = by
    with pytest.raises(IntegrityError), transaction.atomic():
        Edition.objects.create(**row)


def test_the_note_is_sealed() -> None:
    """What someone typed does not stand in the open."""
    made(person(Role.ADMINISTRATOR))
    raw = QuerySet(Edition).values_list("note", flat=True).get()
    assert b"Sample reason" not in raw.content
    assert Edition.objects.get().note == "Sample reason"


def test_an_app_above_can_refuse() -> None:
    """What only it knows to be wrong, such as a role that does not exist."""
    with pytest.raises(ValueError, match="glassblower"):
        rules.read(Kind.RATINGS, ratings(excluded_roles=["glassblower"]))


# --- shapes --------------------------------------------------------------------------------------


def _age(bands: list[dict[str, Any]], **change: Any) -> dict[str, Any]:
    shipped = rules.default(Kind.AGES).model_dump(mode="json", exclude_defaults=True)
    return {**shipped, "bands": bands, **change}


ENDS = {"from_years": 18, "access": "ended"}
FULL = {"from_years": 0, "access": "full"}


@pytest.mark.parametrize(
    ("model", "value", "said"),
    [
        (AgeRules, _age([]), "begin at 0"),
        (AgeRules, _age([{"from_years": 1, "access": "full"}, ENDS]), "begin at 0"),
        (AgeRules, _age([FULL, FULL, ENDS]), "later than the one before"),
        (AgeRules, _age([FULL]), "the last must end"),
        (AgeRules, _age([{"from_years": 0, "access": "limited"}, ENDS]), "name what limited"),
        (AgeRules, _age([{**FULL, "sees": ["files"]}, ENDS]), "name what limited"),
        (AgeRules, _age([FULL, {**ENDS, "assent": True}]), "nothing to agree to"),
        (AgeRules, _age([FULL, ENDS], own_from=19), "own_from"),
        (RatingRules, ratings(least=0), "least"),
        (RatingRules, ratings(sources={}), "sources: excluded_roles, least, window_days"),
        (Span, {}, "one of them"),
        (Span, {"business_days": 1, "business_hours": 1}, "one of them"),
        (Vendor, {"name": "Sample", "agreement_ends_on": "2026-01-01"}, "come after"),
    ],
)
def test_wrong_rules_are_refused_in_words(
    model: type[Rules], value: dict[str, Any], said: str
) -> None:
    """Each mistake names what is wrong."""
    with pytest.raises(ValidationError, match=said):
        model.model_validate(value)


def test_a_draft_is_warned_about_before_it_goes() -> None:
    """T-40: day 23 of 30 as shipped; never after."""
    shipped = rules.default(Kind.RETENTION)
    assert isinstance(shipped, Retention)
    assert (shipped.draft_days, shipped.draft_warning_day) == (30, 23)
    assert (shipped.rejected_file_days, shipped.closed_until_age, shipped.closed_years) == (
        30,
        28,
        10,
    )
    with pytest.raises(ValidationError, match="draft_warning_day"):
        Retention.model_validate({**shipped.model_dump(), "draft_warning_day": 30})


def test_every_kind_of_request_and_every_band_has_a_promise() -> None:
    """Leaving one out is an error by its name."""
    shipped = rules.default(Kind.PROMISES).model_dump(mode="json", exclude_defaults=True)
    for part in ("kinds", "bands"):
        for name in shipped[part]:
            less = {k: v for k, v in shipped[part].items() if k != name}
            with pytest.raises(ValidationError, match=f"{part}: {name}"):
                Promises.model_validate({**shipped, part: less})


def test_a_video_company_carries_visits_while_its_agreement_holds() -> None:
    """Both days included; without a signed agreement never."""
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    vendor = Vendor(name="Sample vendor", agreement_signed_on=first, agreement_ends_on=last)
    days = [first - timedelta(days=1), first, last, last + timedelta(days=1)]
    assert [vendor.may_carry(day) for day in days] == [False, True, True, False]
    assert not Vendor(name="Sample vendor").may_carry(first)


def test_thresholds_are_evaluated_as_signed() -> None:
    """The rules in force are what was signed, to the letter."""
    by = person(Role.CLINICIAN)
    value = rules.default(Kind.THRESHOLDS).model_dump(mode="json", exclude_defaults=True)
    value["rules"] = value["rules"][:2]
    edition = actions.make(kind=Kind.THRESHOLDS, value=value, note="", by=by, at=AT)
    actions.sign(edition=edition, by=by, at=AT)
    assert [rule.id for rule in rules.current(Thresholds).rules] == [
        "blasts_reported",
        "neutrophils_below_0_5_and_fever",
    ]
