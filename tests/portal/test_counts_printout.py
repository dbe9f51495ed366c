"""Reading printouts: lines as laboratories print them; what cannot be read is given back."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hematon.portal.counts import words
from hematon.portal.counts.lines import FOLDER, lines
from hematon.portal.counts.printout import MAX_DATES, MAX_LINES, Printout, Result, read

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"

Said = tuple[str, str, str, str, str, str]


def said(result: Result) -> Said:
    """Give what was read of a line, without place and date."""
    return (result.line, result.value, result.unit, result.low, result.high, result.flag)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HGB 7.9 L g/dL 11.5 - 14.5", ("hemoglobin", "7.9", "g/dL", "11.5", "14.5", "L")),
        ("Plaquetas 45 10^3/uL 150-450", ("platelets", "45", "10*3/uL", "150", "450", "")),
        ("Hemoglobina: 7,9 g/dL (11,5 a 14,5)", ("hemoglobin", "7,9", "g/dL", "11,5", "14,5", "")),
        (
            "Hemoglobin (HGB)\t7.9\tL\tg/dL\t11.5-14.5",
            ("hemoglobin", "7.9", "g/dL", "11.5", "14.5", "L"),
        ),
        ("WBC;2.1;L;K/uL;4.5-13.5", ("wbc", "2.1", "10*3/uL", "4.5", "13.5", "L")),
        ("WBC,2.1,L,K/uL,4.5-13.5", ("wbc", "2.1", "10*3/uL", "4.5", "13.5", "L")),
        ('"Leucocitos","2,1","10³/µL","4,5-13,5"', ("wbc", "2,1", "10*3/uL", "4,5", "13,5", "")),
        ("HGB 7.9L g/dL", ("hemoglobin", "7.9", "g/dL", "", "", "L")),
        ("HGB 79g/L", ("hemoglobin", "79", "g/L", "", "", "")),
        ("VCM 92.3 fL 75 – 95 ALTO", ("mcv", "92.3", "fL", "75", "95", "H")),
        (
            "Neutrófilos 0,8 x10³/µL (1,5 - 8,0) BAJO",
            ("neutrophils", "0,8", "10*3/uL", "1,5", "8,0", "L"),
        ),
        ("Neutrófilos % 45 %", ("neutrophils", "45", "%", "", "", "")),
        ("PLT <1 K/uL 150-450", ("platelets", "<1", "10*3/uL", "150", "450", "")),
        (
            "Platelets 45,000 /uL 150,000 - 450,000",
            ("platelets", "45000", "/uL", "150000", "450000", ""),
        ),
        ("Plaquetas 150.000 /mm3", ("platelets", "150000", "/uL", "", "", "")),
        ("WBC 7.9 10*9/L", ("wbc", "7.9", "10*9/L", "", "", "")),
        ("WBC 7.9 G/L", ("wbc", "7.9", "10*9/L", "", "", "")),
        ("Reticulocitos 0,5 %", ("reticulocytes", "0,5", "%", "", "", "")),
        ("WBC 2.1 4.5 13.5", ("wbc", "2.1", "", "4.5", "13.5", "")),
        ("Platelet count, automated 245 K/uL", ("platelets", "245", "10*3/uL", "", "", "")),
        (
            "1. Hemoglobin 7.9 g/dL * 11.5-14.5",
            ("hemoglobin", "7.9", "g/dL", "11.5", "14.5", "other"),
        ),
    ],
)
def test_a_line_is_read_as_printed(text: str, expected: Said) -> None:
    """Name, number, unit, range and mark are found in the orders laboratories use."""
    found = read(text, day_first=False)
    assert [said(r) for r in found.results] == [expected]
    assert found.unread == []


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("WBC 7.9 x103/uL", "a superscript was lost"),
        ("Leucocitos 7.9 mil/mm3", "mil is a thousand in Spanish and a million in English"),
        ("HGB 7.9", "no unit"),
        ("HGB 7.9 mg/dL", "a unit that the line does not have"),
    ],
)
def test_a_unit_that_is_not_plain_is_left_to_the_family(text: str, printed: str) -> None:
    """No unit is guessed: the box stays open."""
    (result,) = read(text, day_first=False).results
    assert result.value == "7.9", printed
    assert result.unit == "", printed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Sample child, born 01/02/2019", "unread"),
        ("Hemoglobin A1c 5.5 %", "other"),
        ("Hemoglobin was discussed on 3 days", "unread"),
        ("HGB 7.9 8.3 g/dL", "unread"),
        ("HGB pending", "unread"),
        ("HGB 7.9 H L g/dL", "unread"),
        ("MCH 29.1 pg", "other"),
        ("Glucose 90 mg/dL", "unread"),
        ("HGB " + "9" * 500, "unread"),
    ],
)
def test_what_cannot_be_read_is_given_back(text: str, why: str) -> None:
    """The line stands in the list with its reason and gives no number."""
    found = read(text, day_first=False)
    assert found.results == []
    assert [line.why for line in found.unread] == [why]
    assert text.startswith(found.unread[0].text.rstrip("…")[:60])


def test_a_table_with_a_row_for_each_result() -> None:
    """Columns are known by their headings; two dates make two days."""
    text = (
        "Test,Result,Units,Low,High,Flag,Date,Comment\n"
        'Platelets,"45,000",/uL,"150,000","450,000",L,2026-11-03,x\n'
        "HGB,8.3,g/dL,11.5,14.5,,2026-11-10,\n"
    )
    found = read(text, day_first=False)
    assert [(r.date, *said(r)) for r in found.results] == [
        ("2026-11-03", "platelets", "45000", "/uL", "150000", "450000", "L"),
        ("2026-11-10", "hemoglobin", "8.3", "g/dL", "11.5", "14.5", ""),
    ]
    assert [(u.text, u.why) for u in found.unread] == [("Comment", "column")]


def test_a_table_with_a_column_for_each_test() -> None:
    """The unit may stand in the heading; a decimal comma stays as printed."""
    text = "fecha;hemoglobina (g/dL);plaquetas (10^3/uL)\n03/11/2026;7,9;45\n10/11/2026;8,3;51\n"
    found = read(text, day_first=True)
    assert [(r.date, r.line, r.value, r.unit) for r in found.results] == [
        ("2026-11-03", "hemoglobin", "7,9", "g/dL"),
        ("2026-11-03", "platelets", "45", "10*3/uL"),
        ("2026-11-10", "hemoglobin", "8,3", "g/dL"),
        ("2026-11-10", "platelets", "51", "10*3/uL"),
    ]


def test_a_table_with_a_column_for_each_date() -> None:
    """As hospitals' websites show results over time."""
    text = (
        "Prueba\t14/09/2026\t12/10/2026\tUnidades\tReferencia\n"
        "Hemoglobina\t7,9\t8,3\tg/dL\t11,5 - 14,5\n"
    )
    found = read(text, day_first=True)
    assert [(r.date, r.value, r.low) for r in found.results] == [
        ("2026-09-14", "7,9", "11,5"),
        ("2026-10-12", "8,3", "11,5"),
    ]


def test_a_date_above_the_lines_is_theirs() -> None:
    """Day and month that could be swapped are marked; the language of the page decides first."""
    text = "Collected: 03/11/2026 08:15\nHGB 7.9 g/dL\n"
    (en,), (es,) = (read(text, day_first=first).results for first in (False, True))
    assert (en.date, es.date) == ("2026-03-11", "2026-11-03")
    assert en.unsure
    assert es.unsure
    (sure,) = read("Fecha de toma: 3 de noviembre de 2026\nHGB 7.9 g/dL", day_first=True).results
    assert (sure.date, sure.unsure) == ("2026-11-03", False)


def test_a_second_number_for_a_line_is_given_back() -> None:
    """A count is kept before a percentage; the other is shown, not dropped."""
    found = read("Neutrophils 45 %\nANC 0.8 K/uL", day_first=False)
    assert [said(r)[:3] for r in found.results] == [("neutrophils", "0.8", "10*3/uL")]
    assert [(u.number, u.why) for u in found.unread] == [(1, "twice")]


def test_too_many_lines_and_dates_are_said() -> None:
    """Limits bite with a word about it."""
    found = read("HGB 7.9 g/dL\n" * (MAX_LINES + 5), day_first=False)
    assert any(u.why == "many" for u in found.unread)
    rows = "\n".join(f"HGB 7.9 g/dL 2026-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(40))
    found = read(rows, day_first=False)
    assert len({r.date for r in found.results}) == MAX_DATES
    assert sum(u.why == "many" for u in found.unread) == 40 - MAX_DATES


def test_the_example_is_read_whole() -> None:
    """The button for an example shows every main line on three dates."""
    found = read((FOLDER / "example.txt").read_text(encoding="utf-8"), day_first=False)
    assert found.unread == []
    assert len({r.date for r in found.results}) == 3
    assert {r.line for r in found.results} == {key for key, line in lines().items() if line.main}


def test_every_name_means_a_known_analyte() -> None:
    """The data file adds words, never analytes, and none means two things."""
    known = words.load_knowledge().analytes
    assert set(words.names().values()) <= set(known)
    for name, analyte in words.load_knowledge().headers.items():
        assert words.names()[name] == analyte, name


# --- nothing is dropped, nothing breaks ----------------------------------------------------------

_PRINTED = (
    "HGB|7.9|L|g/dL|11.5 - 14.5|Plaquetas|45|10^3/uL|150-450|;|,|Neutrófilos|%|0,8|x10³/µL|(|)|<|"
    "2026-11-03|03/11/2026|32/13/2026|Fecha:|Test|Result|Units|Date|WBC|K/uL|K/L|MCV|fL|H|*|-|:|="
    "|45,000|/uL|mil/mm3|mg/dL|Hemoglobin A1c|٣|½|𝟗|999999999999|1.2.3.4.5|\x00|\u202e|\ud800"
)
_WORDS = _PRINTED.split("|")
_SPACES = [" ", "  ", "\t", "\n", "\r\n", "\x0b", "\u2028", "\xa0", ""]
_DOCUMENTS = st.lists(
    st.tuples(st.one_of(st.sampled_from(_WORDS), st.text(max_size=6)), st.sampled_from(_SPACES)),
    max_size=60,
).map(lambda parts: "".join(word + space for word, space in parts))


def assert_whole(text: str, found: Printout) -> None:
    """Every line with content gave a number, a date, or stands among the unread."""
    told = {r.number for r in found.results} | {u.number for u in found.unread}
    told |= set(found.dates_at)
    for number, line in enumerate(text.splitlines(), start=1):
        if any(c.isalnum() for c in words.plain(line)):
            assert number in told, (number, line)
    for result in found.results:
        assert words.as_number(result.value) >= 0
        line = lines()[result.line]
        assert result.unit == "" or line.unit(result.unit) is not None


@settings(max_examples=100_000 if LONG else 400)
@given(_DOCUMENTS, st.booleans())
def test_no_text_breaks_the_reader(text: str, day_first: bool) -> None:
    """Random and mangled printouts: no exception, and no line is dropped."""
    assert_whole(text, read(text, day_first=day_first))


def test_no_unit_text_reaches_the_general_parser() -> None:
    """It would take a second to load and may be slow on texts made for it."""
    code = (
        "import sys\n"
        "from hematon.portal.counts.printout import read\n"
        "for unit in 'K/L mg/dL mil/mm3 10^3/mL G/L g% cells/uL x103/uL 10^99/uL kPa [CFU]/mL'"
        ".split():\n"
        "    read(f'HGB 7.9 {unit}\\nWBC 7.9 {unit}\\nRET 1 {unit}', day_first=False)\n"
        "assert 'ucumvert' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
