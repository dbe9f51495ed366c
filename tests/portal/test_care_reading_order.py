"""The suggested reading order: facts from answers, signed rules, a basis, and promises."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from care_cast import MONDAY, outside, sent, staff
from hematon.portal.accounts.models import Role
from hematon.portal.care import access, promises, reading_order, sending
from hematon.portal.care.models import Case
from hematon.portal.care.models.case import Band
from hematon.portal.care.status import HoldReason, Kind
from hematon.portal.notify.models import Kind as Notice
from hematon.portal.notify.models import Notice as Mail
from hematon.portal.programme import actions as programme
from hematon.portal.programme import rules
from hematon.portal.programme.models import Kind as RuleKind
from hematon.portal.programme.thresholds import REPORTED

pytestmark = pytest.mark.django_db
DENVER = ZoneInfo("America/Denver")
NO_SIGNS = {"symptoms": {"symptoms": ["none"]}}
BORN = {"birth-date": {"date": "2019-05-14"}}


def result(line: str, value: str, unit: str, **more: str) -> dict[str, Any]:
    """One line of a printout."""
    name = {"en": line.title(), "es": line.title()}
    shown = {"unit": unit, "unit_label": unit, "low": "", "high": "", "flag": ""}
    return {"line": line, "name": name, "value": value, **shown, **more}


def counted(*results: dict[str, Any], date: str = "2026-11-20") -> dict[str, Any]:
    """Answers with one set of counts."""
    return {"counts": {"version": 1, "sets": [{"date": date, "results": list(results)}]}}


def placed(*parts: dict[str, Any]) -> reading_order.Placed:
    """Where answers stand."""
    answers: dict[str, Any] = {}
    for part in parts:
        answers |= part
    return reading_order.place(answers=answers, at=MONDAY)


NORMAL = (
    result("hemoglobin", "12.9", "g/dL"),
    result("neutrophils", "3.1", "10*9/L"),
    result("platelets", "250", "10*3/uL"),
)


def test_without_data_it_stands_above_routine_and_says_what_is_missing() -> None:
    """J4: nothing told is not routine; the basis names each fact and the edition."""
    found = placed()
    assert found.band == Band.NOT_KNOWN
    assert found.basis["rules"] == []
    assert {"platelets", "hemoglobin", "fever", "age"} <= set(found.basis["missing"])
    assert (found.basis["edition"], found.basis["signer"]) == (None, "")
    everything = {"facts": dict.fromkeys(REPORTED, False)}
    routine = placed(BORN, NO_SIGNS, counted(*NORMAL, result("reticulocytes", "70", "10*9/L")))
    told = placed(BORN, everything, counted(*NORMAL, result("reticulocytes", "70", "10*9/L")))
    assert told.band == Band.ROUTINE
    assert told.basis["missing"] == []
    assert routine.band == Band.NOT_KNOWN
    assert routine.basis["missing"] == ["blasts"]
    assert found.rank < told.rank
    assert routine.rank < told.rank


def test_a_rule_that_fires_is_named_with_its_number_and_unit() -> None:
    """T-35: platelets of 18 fire the rule below 20; the basis keeps what was printed."""
    found = placed(BORN, NO_SIGNS, counted(result("platelets", "18", "10*3/uL", unit_label="K/µL")))
    assert (found.band, found.rank) == (Band.FIRST, 1)
    assert found.basis["rules"][0]["id"] == "platelets_below_20"
    assert found.basis["values"] == [
        {"fact": "platelets", "value": "18", "unit": "10*3/uL", "printed": "18 K/µL"}
    ]
    assert found.basis["drawn"] == "2026-11-20"
    assert found.basis["age_days"] == 2757


@pytest.mark.parametrize(
    ("sign", "platelets", "rule"),
    [
        ("head_injury", "45", "platelets_below_50_and_bleeding"),
        ("headache", "95", "platelets_below_100_and_headache"),
        ("hard_to_wake", "95", "platelets_below_100_and_headache"),
    ],
)
def test_what_a_family_sees_reaches_the_rules(sign: str, platelets: str, rule: str) -> None:
    """A sign on the family's page makes the rule of it fire; the same counts without it do not."""
    counts = counted(result("platelets", platelets, "10*9/L"))
    seen = placed(BORN, {"symptoms": {"symptoms": [sign]}}, counts)
    assert rule in [fired["id"] for fired in seen.basis["rules"]]
    unseen = placed(BORN, NO_SIGNS, counts)
    assert rule not in [fired["id"] for fired in unseen.basis["rules"]]


@pytest.mark.parametrize("sign", ["unwell", "hard_to_wake"])
def test_a_sign_that_is_seen_is_not_undone_by_one_that_is_not(sign: str) -> None:
    """Hard to wake says looking unwell, too, though that box stays empty."""
    found = placed(
        BORN,
        {"symptoms": {"symptoms": [sign]}},
        counted(result("neutrophils", "0.4", "10*9/L")),
    )
    assert found.basis["rules"][0]["id"] == "neutrophils_below_0_5_and_fever"


def test_neutrophils_are_worked_out_where_both_parts_stand() -> None:
    """White cells of 2.0 with 20 % neutrophils are 0.4; one part alone is missing."""
    white, share = result("wbc", "2.0", "10*9/L"), result("neutrophils", "20", "%")
    both = placed(BORN, {"symptoms": {"symptoms": ["fever"]}}, counted(white, share))
    assert both.basis["rules"][0]["id"] == "neutrophils_below_0_5_and_fever"
    (value,) = both.basis["values"]
    assert Decimal(value["value"]) == Decimal("0.4")
    assert value["printed"].startswith("worked out")
    for alone in (white, share):
        found = placed(BORN, NO_SIGNS, counted(alone))
        assert "absolute_neutrophil_count" in found.basis["missing"]


@pytest.mark.parametrize(
    ("line", "value", "unit", "band"),
    [
        ("platelets", "19999", "/uL", Band.FIRST),
        ("platelets", "20", "10*9/L", Band.SAME_DAY),
        ("platelets", "<20", "10*9/L", Band.FIRST),
        ("platelets", "<2", "10*9/L", Band.FIRST),
        ("platelets", ">600", "10*9/L", Band.NOT_KNOWN),
        ("hemoglobin", "69", "g/L", Band.FIRST),
        ("hemoglobin", "6,9", "g/dL", Band.FIRST),
        ("hemoglobin", "4.2", "mmol/L", Band.FIRST),
        ("hemoglobin", "7.9", "mmol/L", Band.NOT_KNOWN),
        ("hemoglobin", "6.9", "mg", Band.NOT_KNOWN),
        ("hemoglobin", "low", "g/dL", Band.NOT_KNOWN),
        ("neutrophils", "190", "/uL", Band.FIRST),
        ("mcv", "1", "fL", Band.NOT_KNOWN),
    ],
)
def test_units_and_printed_marks_are_read_or_count_as_missing(
    line: str, value: str, unit: str, band: Band
) -> None:
    """A unit that is not known is never compared; "<" can only raise a band."""
    assert placed(BORN, NO_SIGNS, counted(result(line, value, unit))).band == band


def test_a_line_from_a_clinician_is_known_by_its_loinc() -> None:
    """Referrals leave the line empty and give the code."""
    line = result("", "15", "10*9/L", loinc="777-3")
    assert placed(BORN, counted(line)).basis["rules"][0]["id"] == "platelets_below_20"
    other = result("", "15", "10*9/L", loinc="1-1")
    assert placed(BORN, counted(other)).band == Band.NOT_KNOWN


def test_the_newest_set_counts_and_what_has_no_date_may_be_newest() -> None:
    """An old low count does not hold a case up; one without a date is not passed over."""
    low = {"date": "2025-01-01", "results": [result("platelets", "10", "10*9/L")]}
    new = {"date": "2026-11-20", "results": list(NORMAL)}
    first = placed(BORN, NO_SIGNS, {"counts": {"sets": [low, new]}})
    assert (first.band, first.basis["drawn"]) == (Band.NOT_KNOWN, "2026-11-20")
    undated = placed(BORN, NO_SIGNS, {"counts": {"sets": [{**low, "date": ""}, new]}})
    assert (undated.band, undated.basis["drawn"]) == (Band.FIRST, "")
    same_day = placed(BORN, {"counts": {"sets": [new, {**low, "date": "2026-11-20"}]}})
    assert same_day.band == Band.FIRST


def test_the_age_is_that_of_the_day_it_was_sent() -> None:
    """The newborn's rule fires on the programme's calendar; a birth date ahead is no age."""
    low = counted(result("platelets", "49", "10*9/L"))
    assert placed({"birth-date": {"date": "2026-11-03"}}, low).band == Band.FIRST
    assert placed({"birth-date": {"date": "2026-10-20"}}, low).band == Band.SAME_DAY
    for wrong in ("2027-01-01", "not a date", None):
        assert placed({"birth-date": {"date": wrong}}, low).basis["age_days"] is None


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "sets",
                    "results",
                    "date",
                    "line",
                    "value",
                    "unit",
                    "loinc",
                    "symptoms",
                    "child_name",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    answers=st.dictionaries(
        st.sampled_from(["counts", "symptoms", "birth-date", "facts"]), _ANY, max_size=4
    )
)
def test_whatever_stands_in_the_answers_a_case_gets_its_place(answers: dict[str, Any]) -> None:
    """T-37: nothing that is sent is lost over its reading order, and none is routine by fault."""
    assert placed(answers).band != Band.ROUTINE


def test_sending_puts_a_case_in_its_place_and_tells_intake_of_band_a() -> None:
    """T-32: band and rank stand open, the basis is sealed; one mail for each of intake."""
    nurses = [staff(Role.INTAKE), staff(Role.INTAKE)]
    staff(Role.CLINICIAN)
    answers = {**BORN, **counted(result("platelets", "18", "10*9/L"))}
    make: dict[str, Any] = {"kind": Kind.QUESTION, "language": "en", "at": MONDAY}
    make["sender"] = outside()
    case = sending.send_new(key="a", answers=answers, **make)
    sending.send_new(key="a", answers=answers, **make)
    later = sending.send_new(key="b", answers={}, **make)
    kept = Case.objects.get(pk=case.pk)
    assert (kept.band, kept.rank) == (Band.FIRST, 1)
    assert kept.basis["rules"][0]["id"] == "platelets_below_20"
    mails = Mail.objects.filter(kind=Notice.STAFF_TASK)
    assert {mail.user_id for mail in mails} == {nurse.pk for nurse in nurses}
    assert mails.count() == 2
    assert [c.pk for c in access.cases_for(nurses[0])] == [case.pk, later.pk]


def _signed(kind: RuleKind, role: Role, **change: Any) -> None:
    by = staff(role)
    shipped = rules.default(kind).model_dump(mode="json", exclude_none=True)
    made = programme.make(kind=kind, value={**shipped, **change}, note="", by=by, at=MONDAY)
    programme.sign(edition=made, by=by, at=MONDAY)


def test_the_edition_and_its_signer_are_kept_with_the_place() -> None:
    """A later signature does not change what was said of an earlier case."""
    before = sent()
    _signed(RuleKind.THRESHOLDS, Role.CLINICIAN, missing="A")
    after = sent()
    assert before.basis["edition"] is None
    assert (after.basis["edition"], after.basis["band"]) == (1, "A")
    assert after.basis["signer"]
    # What is missing in band A stands behind what fired there, and before band B.
    assert (after.band, after.rank) == (Band.NOT_KNOWN, 2)
    assert after.read_due_at is not None
    assert before.read_due_at is not None
    assert after.read_due_at < before.read_due_at


@pytest.mark.parametrize(
    ("kind", "band", "came", "by"),
    [
        ("question", "a", "2026-11-30 10:00", "2026-11-30 11:00"),
        ("question", "a", "2026-11-30 16:30", "2026-12-01 08:30"),
        ("question", "b", "2026-11-30 10:00", "2026-11-30 17:00"),
        ("question", "b", "2026-11-30 15:00", "2026-11-30 17:00"),
        ("question", "b", "2026-11-30 15:01", "2026-12-01 14:01"),
        ("question", "b", "2026-11-28 12:00", "2026-11-30 16:00"),
        ("question", "u", "2026-11-30 10:00", "2026-11-30 17:00"),
        ("question", "c", "2026-11-30 10:00", "2026-12-01 10:00"),
    ],
)
def test_each_band_is_read_when_the_signed_promises_say(
    kind: str, band: str, came: str, by: str
) -> None:
    """Band A in a business hour, B the same day if it came by 3 pm, C within a business day."""
    at = datetime.fromisoformat(came).replace(tzinfo=DENVER).astimezone(UTC)
    assert promises.read_by(kind, band, at).isoformat(" ")[:16] == by


def test_signed_promises_change_what_is_due_from_then_on() -> None:
    """One signature, and the next request has the new span."""
    before = sent()
    kinds = rules.default(RuleKind.PROMISES).model_dump(mode="json", exclude_none=True)["kinds"]
    kinds["question"]["answer_within"] = {"business_hours": 2}
    _signed(RuleKind.PROMISES, Role.ADMINISTRATOR, kinds=kinds)
    after = sent()
    assert before.due_at == datetime(2026, 12, 3, 17, tzinfo=UTC)
    assert after.due_at == datetime(2026, 11, 30, 19, tzinfo=UTC)


def test_pages_print_what_is_signed(client: Client) -> None:
    """No promise stands in a page or in the site file: one signature changes all of them."""
    pages = {
        "/en/get-care/questions/": ("We call you within {call}.", "1 business day"),
        "/es/get-care/start/": ("Le llamamos en un plazo de {call_es}.", "1 día hábil"),
        "/en/get-care/second-opinion/": ("The report comes within {opinion} after", "7 business"),
        "/en/requests/where/result/": ("reads your request within {read}.", "1 business day"),
        "/clinicians/": ("You hear from us within {referral}:", "2 business days"),
    }
    client.post("/en/requests/where/", {"where": "home"})
    for address, (_words, shipped) in pages.items():
        assert shipped in client.get(address).content.decode(), address
    kinds = rules.default(RuleKind.PROMISES).model_dump(mode="json", exclude_none=True)["kinds"]
    kinds["call"]["answer_within"] = {"business_hours": 4}
    kinds["second_opinion"] |= {
        "read_within": {"business_hours": 1},
        "answer_within": {"business_days": 9},
    }
    kinds["referral"]["answer_within"] = {"business_days": 3}
    _signed(RuleKind.PROMISES, Role.ADMINISTRATOR, kinds=kinds)
    said = {
        "call": "4 business hours",
        "call_es": "4 horas hábiles",
        "opinion": "9 business days",
        "read": "1 business hour",
        "referral": "3 business days",
    }
    for address, (words, _shipped) in pages.items():
        assert words.format(**said) in client.get(address).content.decode(), address


def test_only_what_the_promise_of_a_kind_names_stops_its_clock() -> None:
    """A referral waits for records with its clock stopped, for a family with it running."""
    assert promises.stops(Kind.QUESTION, HoldReason.FAMILY)
    assert promises.stops(Kind.REFERRAL, HoldReason.RECORDS)
    assert promises.stops(Kind.REFERRAL, HoldReason.RESULT)
    assert not promises.stops(Kind.REFERRAL, HoldReason.FAMILY)
    assert not promises.stops(Kind.CALL, HoldReason.RECORDS)
    for kind in Kind:
        assert not promises.stops(kind, HoldReason.TEAM)
        assert not promises.stops(kind, "")
