"""What the value of an Observation says: a number with its unit, present or absent, or words.

Decides which of the many ways to write a result are understood, and refuses the rest by name.
Whether the number is believable, and what it means, is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from hematon import units
from hematon.errors import UnitError
from hematon.interchange import words
from hematon.interchange.fhir_codes import (
    ABSENT_CODES,
    ABSENT_INTERPRETATIONS,
    ABSENT_REASONS,
    PRESENT_CODES,
    PRESENT_INTERPRETATIONS,
    Json,
    codings,
    system_name,
)
from hematon.interchange.fhir_record import Record
from hematon.interchange.intake import MAX_TEXT
from hematon.knowledge.compiled import Analyte

VALUE_NAMES = (
    "valueQuantity",
    "valueString",
    "valueCodeableConcept",
    "valueInteger",
    "valueBoolean",
    "valueRatio",
    "valueRange",
    "valueSampledData",
    "valueTime",
    "valueDateTime",
    "valuePeriod",
)
_QUANTITY_TEXT = re.compile(
    r"\s*(<=|>=|<|>|≤|≥)?\s*([0-9]{1,12}(?:[.,][0-9]{1,12})?)\s*(?![0-9.,:-]|/[0-9])(\S.{0,40})?",
    re.DOTALL,
)
_AMBIGUOUS_COMMA = re.compile(r"[0-9]{1,3},[0-9]{3}")
_SIGNS = {"≤": "<=", "≥": ">="}
_TITER = re.compile(r"\s*(<|>|<=|>=)?\s*1\s*[:/]\s*([0-9]{1,7})\s*")

_BLASTS = re.compile(r"\b(?:lympho|myelo|mono)?blasts?\b")
_DENIED = re.compile(
    r"\b(?:no|not|non|without|absent|absence|negative|none|neither|nor|zero|0|free|lacks?|never)\b"
)
_DOUBTED = re.compile(
    r"[?<]|\b(?:possibl[ey]|probabl[ey]|suspect\w*|suspicious|query|question\w*|exclude\w*|rule|"
    r"cannot|versus|vs|or|likely|unlikely|if|may|might|could|consider|previous\w*|history|prior|"
    r"resolved|marrow|crisis|phase)\b"
)
_AFFIRMED = re.compile(
    r"%|\b(?:circulating|rare|few|occasional|many|numerous|increased|scattered|some|several|"
    r"frequent|present|seen|noted|identified|observed|detected|with|shows?|contains?)\b"
)
_SENTENCE_END = re.compile(r"[.;\n](?!\d)")


class Amount(NamedTuple):
    """A number as sent."""

    value: float
    unit: str | None
    comparator: str
    where: str


def value_name(holder: Json) -> str:
    """Give the name of the value that an Observation or component has, empty when none."""
    return next((name for name in VALUE_NAMES if holder.get(name) is not None), "")


def note_absent(record: Record, holder: Json, where: str, *, has_parts: bool) -> None:
    """Note a result without a value, with the reason when it is one of the standard's."""
    reason = next(
        (
            c.code
            for c in codings(record.an_object(holder, "dataAbsentReason", where) or {})
            if c.code in ABSENT_REASONS
        ),
        "",
    )
    if reason:
        record.tally("value-absent", where, f"a result has no value: {reason}")
    elif "dataAbsentReason" in holder:
        record.tally("value-absent", where, "a result has no value, with a reason")
    elif not has_parts:
        record.tally(
            "value-absent",
            where,
            "a result has no value and no reason for that",
            "send a value or a dataAbsentReason",
        )


def amount(
    record: Record, holder: Json, name: str, where: str, analyte: Analyte | None
) -> Amount | None:
    """Read the value of a quantitative result; None, with an issue, when it is not a number.

    Args:
        record: takes the issues.
        holder: the Observation or component.
        name: which `value[x]` it has.
        where: place of the holder.
        analyte: what is measured, if that is known already.
    """
    at = f"{where}/{name}"
    if name == "valueQuantity":
        return _quantity(record, holder, where)
    if name == "valueInteger":
        number = record.number(holder, name, where)
        return None if number is None else Amount(number, None, "", at)
    if name in ("valueString", "valueCodeableConcept"):
        found = next((a for text in _texts(holder[name]) if (a := parse(text, at))), None)
        if found is not None:
            record.tally("wrong-type", at, "a number is sent as text", "send a valueQuantity")
            return found
    if name == "valueRatio" and (titer := _titer(record, holder, where)) is not None:
        return titer
    text = next(_texts(holder[name]), "")
    code = words.why_no_number(text) or "value-not-number"
    named = f"{analyte.name}: the" if analyte is not None else "the"
    if code == "value-not-number":
        record.intake.error(
            code,
            at,
            f"{named} value is not a number",
            "send a valueQuantity, or a dataAbsentReason",
        )
    else:
        record.tally(code, at, f"{named} words in place of a number say why there is none")
    return None


def _quantity(record: Record, holder: Json, where: str) -> Amount | None:
    quantity = record.an_object(holder, "valueQuantity", where)
    if quantity is None:
        return None
    at = f"{where}/valueQuantity"
    if quantity.get("value") is None:
        record.tally("value-absent", at, "a quantity has no number", "send a dataAbsentReason")
        return None
    number = record.number(quantity, "value", at)
    if number is None:
        return None
    comparator = record.text(quantity, "comparator", at)
    return Amount(number, unit_of(record, quantity, at), comparator, at)


def unit_of(record: Record, quantity: Json, where: str) -> str | None:
    """Choose between the coded and the printed unit: the code if it is UCUM's, else the print.

    The other stands in when the chosen one is not understood. Two that are understood and differ
    in size are noted, because one of them is wrong.
    """
    coded = record.text(quantity, "code", where).strip()
    printed = record.text(quantity, "unit", where).strip()
    is_ucum = system_name(quantity.get("system")) == "UCUM"
    first, second = (coded, printed) if is_ucum or not printed else (printed, coded)
    if not first or not second or first == second:
        return first or second or None
    if not _is_unit(first):
        return second if _is_unit(second) else first
    if not units_agree(first, second):
        record.tally(
            "unit-unknown",
            where,
            "the coded and the printed unit of a quantity differ; "
            f"the {'coded' if first == coded else 'printed'} one is used",
            "send one unit",
        )
    return first


def _is_unit(text: str) -> bool:
    try:
        units.canonical(text)
    except UnitError:
        return False
    return True


def are_one_unit(unit: str, other: str) -> bool:
    """Say whether two spellings are known and of one size."""
    return unit == other or (_is_unit(other) and units_agree(unit, other))


def units_agree(unit: str, other: str) -> bool:
    """Say whether two spellings are of one size; a text that is no unit contradicts nothing."""
    if unit == other or not _is_unit(other):
        return True
    try:
        return units.conversion_factor(unit, units.canonical(other), {}) == 1.0
    except UnitError:
        return False


def parse(text: str, where: str) -> Amount | None:
    """Read a number that is sent as text: `<0.5`, `7,1`, `7.1 g/dL`; None when it is not one.

    A comma before three digits may be a decimal or a thousand; it is not read.
    """
    if match := _TITER.fullmatch(text):
        return Amount(float(match[2]), "{titer}", match[1] or "", where)
    match = _QUANTITY_TEXT.fullmatch(text)
    if match is None or _AMBIGUOUS_COMMA.fullmatch(match[2]):
        return None
    sign = match[1] or ""
    unit = (match[3] or "").strip()
    return Amount(float(match[2].replace(",", ".")), unit or None, _SIGNS.get(sign, sign), where)


def _titer(record: Record, holder: Json, where: str) -> Amount | None:
    at = f"{where}/valueRatio"
    ratio = record.an_object(holder, "valueRatio", where) or {}
    over = record.an_object(ratio, "numerator", at) or {}
    under = record.an_object(ratio, "denominator", at) or {}
    if over.get("value") != 1 or "value" not in under:
        return None
    number = record.number(under, "value", f"{at}/denominator")
    return None if number is None else Amount(number, "{titer}", "", at)


def lab_limits(
    record: Record, holder: Json, unit: str | None, where: str
) -> tuple[float | None, float | None]:
    """Give the laboratory's own limits in the unit of the value, where it prints one range."""
    ranges = [
        (at, r)
        for at, r in record.objects(holder, "referenceRange", where)
        if not isinstance(r.get("type"), dict)
        or any(c.code == "normal" for c in codings(r["type"]))
    ]
    if len(ranges) > 1:
        record.tally(
            "resource-not-used",
            where,
            "several reference ranges apply to one result; the laboratory's limits are not used",
            "send the one that applies",
        )
        return None, None
    for at, only in ranges:
        low, high = (_limit(record, only, end, unit, at) for end in ("low", "high"))
        if low is None or high is None or low <= high:
            return low, high
        record.tally("wrong-type", at, "the reference range ends below its start; it is not used")
    return None, None


def _limit(record: Record, limits: Json, end: str, unit: str | None, where: str) -> float | None:
    quantity = record.an_object(limits, end, where)
    at = f"{where}/{end}"
    number = None if quantity is None else record.number(quantity, "value", at)
    if quantity is None or number is None:
        return None
    own = unit_of(record, quantity, at)
    if own is None or unit is None or own == unit:
        return number
    try:
        return units.convert(number, own, units.canonical(unit), {})
    except UnitError:
        record.tally(
            "unit-unknown",
            at,
            "a reference range is in another unit than its value; "
            "the laboratory's limits are not used",
            "send both in one unit",
        )
        return None


def basis_of(holder: Json) -> str:
    """Give how we computed a number, from our own writer; a laboratory's method is not that."""
    method = holder.get("method")
    if isinstance(method, dict) and any(c.system == "METHOD" for c in codings(method)):
        text = method.get("text")
        return text if isinstance(text, str) else ""
    return ""


def verdict(holder: Json, name: str) -> bool | None:
    """Say whether a value means present (True) or absent (False); None when it says neither."""
    value = holder.get(name)
    if isinstance(value, bool):
        return value
    if isinstance(value, dict):
        for coded in codings(value):
            key = f"{coded.system}:{coded.code}"
            if key in PRESENT_CODES or key in words.POSITIVE_CODES:
                return True
            if key in ABSENT_CODES or key in words.NEGATIVE_CODES:
                return False
    for text in _texts(value):
        said = words.positive_or_negative(text)
        if said is not None:
            return said
    listed = holder.get("interpretation")
    for concept in listed if isinstance(listed, list) else ():
        for coded in codings(concept) if isinstance(concept, dict) else ():
            if coded.code in PRESENT_INTERPRETATIONS:
                return True
            if coded.code in ABSENT_INTERPRETATIONS:
                return False
    return None


def blasts_in(holder: Json, name: str) -> Literal["", "present", "unclear"]:
    """Say what a comment on a blood smear states of blasts.

    `present` only when every sentence that names them affirms them, without a word of denial or
    doubt; anything else that names them is `unclear`, for a person to read.
    """
    said = set()
    for text in _texts(holder.get(name)):
        for sentence in _SENTENCE_END.split(text.lower()):
            if _BLASTS.search(sentence):
                plain = _AFFIRMED.search(sentence) and not (
                    _DENIED.search(sentence) or _DOUBTED.search(sentence)
                )
                said.add("present" if plain else "unclear")
    if not said:
        return ""
    return "present" if said == {"present"} else "unclear"


def _texts(value: object) -> Iterator[str]:
    """Give the words of a string or a CodeableConcept, cut to a length worth reading."""
    if isinstance(value, str):
        yield value[:MAX_TEXT]
    elif isinstance(value, dict):
        text = value.get("text")
        if isinstance(text, str):
            yield text[:MAX_TEXT]
        for coded in codings(value):
            yield coded.display[:MAX_TEXT]
