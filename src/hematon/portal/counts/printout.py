"""Read a printout: pasted lines or a table, in English or Spanish, as laboratories print them.

Decides which numbers stand in which line, with their unit, the laboratory's own range, its mark and
the date. Decides nothing about what a number means. What cannot be read is given back line by line;
the family confirms everything that can.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from hematon.portal.counts import words
from hematon.portal.counts.lines import lines

MAX_CHARACTERS = 1_000_000
MAX_LINES = 5_000
MAX_LINE = 400
MAX_DATES = 24
_DELIMITERS = "\t;|,"
_HEADER_WITHIN = 40


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ROLES = {
    "test": "test testname name analyte component parameter parametro prueba examen analito "
    "estudio determinacion nombre",
    "value": "value result results resultado resultados valor yourvalue",
    "unit": "unit units unidad unidades uom",
    "low": "low lower referencelow limiteinferior minimo min inferior",
    "high": "high upper referencehigh limitesuperior maximo max superior",
    "range": "range referencerange reference normalrange referenceinterval rango "
    "rangodereferencia valoresdereferencia valorreferencia intervalodereferencia referencia",
    "flag": "flag flags mark marca indicador bandera alerta",
    "date": "date collected collectiondate datecollected drawn datedrawn fecha fechadetoma "
    "fechademuestra fechadeextraccion sampledate",
}
_ROLE = {word: role for role, listed in _ROLES.items() for word in listed.split()}
_DATE_WORDS = _listed(
    "collected collection date dated drawn draw sample specimen taken on of the time at and "
    "fecha toma muestra extraccion recoleccion de la del hora y"
)
_FILLERS = _listed(
    "count total blood absolute abs auto automated automatico whole sangre recuento conteo "
    "absoluto absolutos absolutas valor value result resultado totales en"
)
_TOKEN = re.compile(r"[^\s:=;|,]+")
_LEADING = re.compile(r"^[\s*•·>-]{0,6}(?:\d{1,2}[.)]\s{1,3})?")
_RANGE = re.compile(
    rf"[(\[]?\s?(?<![\w.,])({words.NUMBER})\s?(?:-|to|a|al|hasta)\s?({words.NUMBER})"
    r"(?![\w.,]*\w)\s?[)\]]?"
)
_ONE_SIDED = re.compile(rf"[(\[]\s?([<>]=?|≤|≥)\s?({words.NUMBER})\s?[)\]]")
_VALUE = re.compile(rf"(?<![\w.,])([<>]?)=?\s?({words.NUMBER})(?![\d.,])")
_EMPTY = re.compile(r"[\W_]*")
_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Result:
    """One number of a printout, for the family to confirm.

    Attributes:
        line: id of the line.
        value: the number as printed, without marks for thousands; a leading < or > is kept.
        unit: key of one of the line's units; empty when the printout leaves it open.
        low: the laboratory's own lower limit, or empty.
        high: its upper limit, or empty.
        flag: H, L, other, none, or empty when no mark stands there.
        date: day the blood was taken, ISO; empty when none was read.
        unsure: whether day and month of the date could be the other way round.
        printed: the text it was read from.
        number: line of the text, from 1.
    """

    line: str
    value: str
    unit: str
    low: str
    high: str
    flag: str
    date: str
    unsure: bool
    printed: str
    number: int


@dataclass(frozen=True)
class Unread:
    """A line that gave no number to the page.

    Attributes:
        number: line of the text, from 1.
        text: what stands there, shortened.
        why: unread; other (a test that the page does not explain); twice (the line has a number
            for this date already); column (a column that means nothing); many (too many lines).
    """

    number: int
    text: str
    why: str


@dataclass
class Printout:
    """What was read and what was not."""

    results: list[Result] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    dates_at: list[int] = field(default_factory=list)
    """Lines that only told a date."""


def read(text: str, *, day_first: bool) -> Printout:
    """Read a printout.

    Args:
        text: what was pasted, or the text of a file; at most MAX_CHARACTERS are looked at.
        day_first: whether 03/11 means 3 November.
    """
    rows = text[:MAX_CHARACTERS].splitlines()
    found = Printout()
    if len(text) > MAX_CHARACTERS or len(rows) > MAX_LINES:
        found.unread.append(Unread(MAX_LINES + 1, "…", "many"))
    _Reader(found, day_first).run(rows[:MAX_LINES])
    _give_the_only_date(found)
    _once_each(found)
    return found


@dataclass(frozen=True)
class _Table:
    """A heading and what its columns hold."""

    at: int
    delimiter: str
    roles: dict[int, str]
    tests: dict[int, str]
    dates: dict[int, words.ReadDate]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class _Part:
    """What one stretch of text says about one test."""

    line: str
    value: str
    unit: str
    low: str
    high: str
    flag: str
    date: words.ReadDate | None


class _Reader:
    """Walks the lines, with the date that stands above them."""

    def __init__(self, found: Printout, day_first: bool) -> None:
        self.found, self.day_first = found, day_first
        self.current = words.ReadDate("", False)

    def run(self, rows: Sequence[str]) -> None:
        table = self._heading(rows)
        for number, raw in enumerate(rows, start=1):
            text = words.plain(raw)
            if _EMPTY.fullmatch(text):
                continue
            if len(text) > MAX_LINE:
                self._unread(number, text)
            elif table and number == table.at:
                for name in table.unknown:
                    self._unread(number, name, "column")
                self.found.dates_at.append(number)
            elif table and number > table.at and table.delimiter in text:
                self._row(table, number, text)
            else:
                self._line(number, text)

    def _unread(self, number: int, text: str, why: str = "unread") -> None:
        shown = text.strip()
        self.found.unread.append(Unread(number, shown[:120] + "…" * (len(shown) > 120), why))

    def _add(self, number: int, text: str, part: _Part, day: words.ReadDate) -> None:
        self.found.results.append(
            Result(
                part.line,
                part.value,
                part.unit,
                part.low,
                part.high,
                part.flag,
                (part.date or day).iso,
                (part.date or day).unsure,
                " ".join(text.split())[:120],
                number,
            )
        )

    # --- lines of free text --------------------------------------------------------------------

    def _line(self, number: int, text: str) -> None:
        analyte, rest = _name(text)
        if analyte is None:
            for cells in _split(text):
                analyte, rest = _name("  ".join(cells))
                if analyte is not None:
                    text = "  ".join(cells)
                    break
        if analyte is None:
            if not self._date_line(number, text):
                self._unread(number, text)
            return
        part = self._part(analyte, rest)
        if part is None and rest.count(",") > 1:
            part = self._part(analyte, rest.replace(",", "  "))
        if isinstance(part, _Part):
            self._add(number, text, part, self.current)
        else:
            self._unread(number, text, part or "unread")

    def _date_line(self, number: int, text: str) -> bool:
        match = words.DATE.search(text)
        day = words.date_of(match, day_first=self.day_first) if match else None
        if match is None or day is None:
            return False
        others = words.TIME.sub(" ", text[: match.start()] + " " + text[match.end() :])
        said = _WORDS.findall(others)
        if any(c.isdigit() for c in others) or any(
            words.folded(word) not in _DATE_WORDS for word in said
        ):
            return False
        self.current = day
        self.found.dates_at.append(number)
        return True

    def _part(self, analyte: str, rest: str) -> _Part | str | None:
        """Read what stands behind a name; a text says why it is no line of ours, None unread."""
        day = None
        match = words.DATE.search(rest)
        if match:
            day = words.date_of(match, day_first=self.day_first)
            if day is None:
                return None
            rest = rest[: match.start()] + " " + rest[match.end() :]
        rest = words.separate(words.TIME.sub(" ", rest))
        units = list(words.UNIT.finditer(rest))
        percent = any(unit[0] == "%" for unit in units)
        line = words.line_named(analyte, percent)
        if line is None:
            return "other"
        keys = {words.unit_of(lines()[line], unit).key for unit in units}
        key = keys.pop() if len(keys) == 1 else ""
        return _numbers(line, key, words.UNIT.sub(" ", rest), day)

    # --- tables --------------------------------------------------------------------------------

    def _heading(self, rows: Sequence[str]) -> _Table | None:
        for at, raw in enumerate(rows[:_HEADER_WITHIN], start=1):
            text = words.plain(raw)
            if len(text) > MAX_LINE:
                continue
            for delimiter in _DELIMITERS:
                if delimiter in text and (table := self._columns(at, delimiter, text)):
                    return table
        return None

    def _columns(self, at: int, delimiter: str, text: str) -> _Table | None:
        roles: dict[int, str] = {}
        tests: dict[int, str] = {}
        dates: dict[int, words.ReadDate] = {}
        unknown = []
        cells = _cells(text, delimiter)
        for index, cell in enumerate(cells):
            role = _ROLE.get(words.folded(cell)) if len(cell) < 60 else None
            match = words.DATE.fullmatch(cell)
            day = words.date_of(match, day_first=self.day_first) if match else None
            if role and role not in roles.values():
                roles[index] = role
            elif day:
                dates[index] = day
            elif _name(cell)[0] and not re.search(rf"\s{words.NUMBER}(?:\s|$)", cell):
                tests[index] = cell
            elif cell:
                unknown.append(cell)
        held = set(roles.values())
        if {"test", "value"} <= held:
            return _Table(at, delimiter, roles, {}, {}, tuple(unknown))
        if len(tests) >= 2:
            return _Table(at, delimiter, roles, tests, {}, tuple(unknown))
        if not tests and (len(dates) >= 2 or (dates and "test" in held)):
            if "test" not in held:
                roles = {**roles, 0: "test"}
                unknown = [cell for cell in unknown if cell != cells[0]]
            return _Table(at, delimiter, roles, {}, dates, tuple(unknown))
        return None

    def _row(self, table: _Table, number: int, text: str) -> None:
        cells = _cells(text, table.delimiter)
        by_role = {role: cells[at] for at, role in table.roles.items() if at < len(cells)}
        match = words.DATE.search(by_role.get("date", ""))
        day = words.date_of(match, day_first=self.day_first) if match else None
        context = " ".join(
            (
                by_role.get("unit", ""),
                f" ({by_role['low']} - {by_role['high']})"
                if by_role.get("low") and by_role.get("high")
                else "",
                by_role.get("range", ""),
            )
        )
        stretches: list[tuple[str, words.ReadDate]] = []
        if table.tests:
            stretches = [
                (f"{name}  {cells[at]} {context}", day or self.current)
                for at, name in table.tests.items()
                if at < len(cells) and cells[at]
            ]
        elif table.dates:
            stretches = [
                (f"{by_role.get('test', '')}  {cells[at]} {context}", when)
                for at, when in table.dates.items()
                if at < len(cells) and cells[at]
            ]
        else:
            flag = by_role.get("flag", "")
            said = f"{by_role.get('test', '')}  {by_role.get('value', '')} {flag} {context}"
            stretches = [(said, day or self.current)]
        if not stretches:
            self._unread(number, text)
        for said, when in stretches:
            analyte, rest = _name(said)
            part = self._part(analyte, rest) if analyte else None
            if isinstance(part, _Part):
                self._add(number, said, part, when)
            else:
                self._unread(number, said, part or "unread")


def _name(text: str) -> tuple[str | None, str]:
    """Give the analyte that a text begins with, by the longest name, and what follows."""
    start = _LEADING.match(text)
    offset = start.end() if start else 0
    found, rest, so_far = None, text, ""
    for count, token in enumerate(_TOKEN.finditer(text, offset)):
        if count == 6:
            break
        so_far += token[0]
        analyte = words.named(so_far)
        if analyte is None and token[0].startswith(("(", "[")) and found:
            # Hemoglobin (HGB): the same test said twice.
            if words.named(token[0].strip("()[]")) == found:
                rest = text[token.end() :]
            continue
        if analyte is not None:
            found, rest = analyte, text[token.end() :]
    return found, rest


def _numbers(line: str, unit: str, rest: str, day: words.ReadDate | None) -> _Part | None:
    low = high = ""
    limits = _RANGE.search(rest)
    if limits:
        low, high = (words.number(limits[i], unit) for i in (1, 2))
        rest = rest[: limits.start()] + " " + rest[limits.end() :]
    elif side := _ONE_SIDED.search(rest):
        limit = words.number(side[2], unit)
        low, high = (limit, "") if side[1].startswith((">", "≥")) else ("", limit)
        rest = rest[: side.start()] + " " + rest[side.end() :]
    rest = re.sub(rf"({words.NUMBER})([HL*]{{1,2}})(?!\w)", r"\1 \2", rest)
    values = list(_VALUE.finditer(rest))
    if len(values) == 3 and not limits:
        # value, low and high in columns of their own
        low, high = (words.number(values[i][2], unit) for i in (1, 2))
        if words.as_number(low) >= words.as_number(high):
            return None
    elif len(values) != 1:
        return None
    flag = ""
    for token in _VALUE.sub(" ", rest).split():
        bare = token.strip(".,;:|=()[]") or token
        known = words.FLAGS.get(token.upper()) or words.FLAGS.get(bare.upper())
        if known:
            if flag and flag != known and "other" not in (flag, known):
                return None
            flag = known if flag in ("", "other") else flag
        elif not _EMPTY.fullmatch(token) and words.folded(bare) not in _FILLERS:
            return None
    first = values[0]
    return _Part(line, first[1] + words.number(first[2], unit), unit, low, high, flag, day)


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        row = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        row = text.split(delimiter)
    return [cell.strip() for cell in row]


def _split(text: str) -> Iterator[list[str]]:
    """Give the ways in which a line without heading could be a row of cells."""
    if text.lstrip().startswith('"'):
        for delimiter in _DELIMITERS:
            yield _cells(text, delimiter)


def _give_the_only_date(found: Printout) -> None:
    """A printout with one date was taken on it, wherever the date stands."""
    days = {(r.date, r.unsure) for r in found.results if r.date}
    if len({day for day, _ in days}) == 1:
        day, unsure = max(days)
        found.results = [replace(r, date=day, unsure=unsure) for r in found.results]


def _once_each(found: Printout) -> None:
    """Keep one number for each line and date: a count before a percentage, else the first."""
    kept: dict[tuple[str, str], Result] = {}
    again: list[Result] = []
    for result in found.results:
        key = (result.date, result.line)
        before = kept.get(key)
        if before is None:
            kept[key] = result
        elif before.unit == "%" and result.unit != "%" and result.line != "reticulocytes":
            kept[key] = result
            again.append(before)
        else:
            again.append(result)
    dates = sorted({day for day, _ in kept}, reverse=True)[:MAX_DATES]
    found.results = [r for (day, _), r in kept.items() if day in dates]
    found.unread += [Unread(r.number, r.printed, "twice") for r in again]
    found.unread += [
        Unread(r.number, r.printed, "many") for (day, _), r in kept.items() if day not in dates
    ]
    found.unread.sort(key=lambda u: u.number)
