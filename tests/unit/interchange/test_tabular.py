"""Tables: dialects, headings, units, dates, and what is refused rather than guessed."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given

from hematon.engine.case import Case, Finding, Measurement, Treatment
from hematon.errors import Issue, Reading, UnreadableError
from hematon.interchange import tabular
from hematon.interchange.tabular_cells import Conventions, parse_age, parse_date, parse_number
from hematon.knowledge import load_knowledge
from strategies import cases

KNOWLEDGE = load_knowledge()


def reading(text: bytes | str, today: date | None = None) -> Reading[Case]:
    """Read a table of one child."""
    return tabular.read(text, KNOWLEDGE, today=today)


def case(text: bytes | str) -> Case:
    """Give the case of a table."""
    value = reading(text).value
    assert value is not None
    return value


def values(text: bytes | str) -> list[tuple[str, float]]:
    """Give analyte and value of each result."""
    return [(m.analyte, m.value) for m in case(text).measurements]


def codes(issues: tuple[Issue, ...], level: str = "") -> list[str]:
    """Give the issue codes, of one level or all."""
    return [i.code for i in issues if level in ("", i.level)]


def places(issues: tuple[Issue, ...], code: str) -> list[str]:
    """Give the places of the issues of one code."""
    return [i.where for i in issues if i.code == code]


# --- the file --------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_and_newlines_are_found(delimiter: str, newline: str) -> None:
    """Commas, semicolons, tabs and bars separate; every newline ends a row."""
    rows = [["date", "HGB (g/dL)", "PLT (K/uL)"], ["2024-01-01", "7.1", "95"]]
    text = newline.join(delimiter.join(row) for row in rows)
    assert values(text) == [("hemoglobin", 7.1), ("platelets", 95.0)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_a_mark_are_read(encoding: str) -> None:
    """UTF-8 with or without its mark, and UTF-16 with it, give the same table."""
    assert values("WBC (×10⁹/L)\n7\n".encode(encoding)) == [("wbc", 7.0)]


def test_text_may_begin_with_the_mark_too() -> None:
    """A byte order mark left in a string changes nothing."""
    assert values("\ufeffHGB (g/dL)\n7\n") == [("hemoglobin", 7.0)]


def test_excels_separator_line_is_obeyed() -> None:
    """`sep=;` names the delimiter and is not counted as a row."""
    for mark in (";", "\t"):
        found = reading(f"sep={mark}\r\nHGB (g/dL){mark}PLT (K/uL)\r\n7{mark}lost\r\n")
        assert places(found.issues, "value-not-number") == ["row 2, column PLT"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "empty-input"),
        ("\n\n", "empty-input"),
        ("HGB (g/dL)\n", "empty-input"),
        ("name,age\nx,3\n", "unknown-format"),
        ("HGB (g/dL)\n\xe9".encode("latin-1"), "not-utf8"),
        ('HGB (g/dL)\n"' + "7" * 140_000, "too-large"),
        ("id,HGB (g/dL)\na,7\nb,8\n", "mixed-patients"),
        ("id,HGB (g/dL)\na\nb\n", "row-ragged"),
    ],
)
def test_unreadable_tables_say_why(raw: bytes | str, code: str) -> None:
    """Only a table of no use as a whole raises, with a code."""
    with pytest.raises(UnreadableError) as caught:
        reading(raw)
    assert code in codes(caught.value.issues)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("date,HGB (g/dL)\n", True),
        ("test,value\n", True),
        ("findings\n", True),
        ("once upon a time\n", False),
        ("", False),
        ('"' + "x" * 140_000, False),
        ("A" * 70_000, False),
    ],
)
def test_sniff_needs_a_usable_heading(text: str, expected: bool) -> None:
    """A table is known by a heading that names something usable."""
    assert tabular.sniff(text, KNOWLEDGE) is expected


def test_heading_alone_in_quotes_over_two_lines_is_read() -> None:
    """A heading broken in its cell is one heading."""
    assert values('"HGB\n(g/dL)",x\n7,\n') == [("hemoglobin", 7.0)]


# --- headings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "cell", "expected"),
    [
        ("HGB (g/dL)", "7.1", ("hemoglobin", 7.1)),
        ("Hemoglobin [g/L]", "71", ("hemoglobin", 7.1)),
        ("haemoglobin, g/L", "71", ("hemoglobin", 7.1)),
        ("WBC 10^9/L", "3.5", ("wbc", 3.5)),
        ("White blood cells x10^9 / L", "3.5", ("wbc", 3.5)),
        ("WBC count (K/uL)", "3.5", ("wbc", 3.5)),
        ("platelets K/uL", "95", ("platelets", 95.0)),
        ("hemoglobin_g_dl", "7.1", ("hemoglobin", 7.1)),
        ("platelets_10e9_L", "95", ("platelets", 95.0)),
        ("neutrophils_10e9_l", "0.5", ("anc", 0.5)),
        ("neutrophils_pct", "12", ("neutrophils_pct", 12.0)),
        ("reticulocytes_percent", "0.2", ("retic_pct", 0.2)),
        ("nrbc_per_100wbc", "4", ("nrbc_pct", 4.0)),
        ("NEUT#(10^9/L)", "0.5", ("anc", 0.5)),
        ("NEUT%", "12", ("neutrophils_pct", 12.0)),
        ("% neutrophils", "12", ("neutrophils_pct", 12.0)),
        ("Neutrophils (%)", "12", ("neutrophils_pct", 12.0)),
        ("Bands (10^9/L)", "0.1", ("bands_abs", 0.1)),
        ("mcv_fl", "101", ("mcv", 101.0)),
        ("RDW-CV (%)", "15", ("rdw_cv", 15.0)),
        ("718-7 (g/L)", "71", ("hemoglobin", 7.1)),
        ("LOINC 718-7 g/L", "71", ("hemoglobin", 7.1)),
        ("loinc:718-7, g/L", "71", ("hemoglobin", 7.1)),
        ("Basophils (absolute)", "0.1 K/uL", ("basophils", 0.1)),
        ("HGB", "7.1 g/dL", ("hemoglobin", 7.1)),
        ("HGB (g/dL)", "71 g/L", ("hemoglobin", 7.1)),
    ],
)
def test_headings_name_analytes_with_their_units(
    heading: str, cell: str, expected: tuple[str, float]
) -> None:
    """Words, abbreviations, LOINC codes and units in every usual spelling are understood."""
    assert values(f'"{heading}","x"\n"{cell}",""\n') == [expected]


@pytest.mark.parametrize(
    "heading",
    [
        "HGB",
        "WBC count",
        "neutrophils abs",
        "HGB (venous)",
        "718-7",
        "718-7 (venous)",
        "HCT",
        "segs",
    ],
)
def test_numbers_without_a_unit_are_refused_once_per_column(heading: str) -> None:
    """Counts, hemoglobin and ambiguous percentages are never assumed to be in any unit."""
    found = reading(f"{heading},x\n7,\n8,\n")
    assert codes(found.issues, "error") == ["unit-missing"]
    assert found.value is not None
    assert not found.value.measurements


@pytest.mark.parametrize(
    ("heading", "analyte"), [("MCV", "mcv"), ("RDW", "rdw_cv"), ("MPV", "mpv"), ("MCH", "mch")]
)
def test_conventional_units_are_assumed_with_a_warning(heading: str, analyte: str) -> None:
    """What every laboratory reports in one unit is read in it, and said once."""
    number = "50" if analyte == "mcv" else "12"
    found = reading(f"{heading},x\n{number},\n{number},\n")
    assert codes(found.issues, "warning").count("unit-missing") == 1
    assert found.value is not None
    assert [m.analyte for m in found.value.measurements] == [analyte, analyte]


def test_units_may_stand_in_the_second_row() -> None:
    """A row of units under the headings is not a row of results; it tells analytes apart."""
    text = "date,HGB,Neutrophils,718-7,age\n,g/L,%,,days\n2024-01-01,71,12,,20\n"
    found = case(text)
    assert [(m.analyte, m.value) for m in found.measurements] == [
        ("hemoglobin", 7.1),
        ("neutrophils_pct", 12.0),
    ]
    assert found.age_days == 20


def test_units_may_stand_in_a_column_of_their_own() -> None:
    """`HGB unit` beside `HGB` gives the unit row by row; an empty one leaves it open."""
    heading = "HGB,HGB unit,Neutrophils,neutrophils_units,MCV,MCV unit"
    text = f"{heading}\n71,g/L,12,%,90,\n7.2,,1,K/uL,,\n"
    found = reading(text)
    assert found.value is not None
    assert [(m.analyte, m.value) for m in found.value.measurements] == [
        ("hemoglobin", 7.1),
        ("neutrophils_pct", 12.0),
        ("anc", 1.0),
    ]
    assert places(found.issues, "unit-missing") == ["column MCV", "column HGB"]


def test_unknown_heading_is_named_by_its_place_only() -> None:
    """A file without headings has a patient in the first row: its text is never repeated."""
    found = reading("HGB (g/dL),Jane Roe,wibble unit\n7,x,y\n")
    assert places(found.issues, "header-unknown") == ["row 1, column 2", "row 1, column 3"]
    assert "Jane" not in repr(found.issues)


def test_percentage_of_an_absolute_count_is_another_analyte() -> None:
    """No basophil percentage is known: it is not read as a count in an odd unit."""
    found = reading("basophils_10e9_l,basophils_pct,Basophils (%)\n,0.3,0.3\n")
    assert codes(found.issues).count("header-unknown") == 2
    assert not codes(found.issues, "error")


def test_second_column_of_an_analyte_is_refused() -> None:
    """Two columns of one analyte in one unit cannot be told apart."""
    found = reading("HGB (g/dL),Hemoglobin (g/dL)\n7,9\n")
    assert places(found.issues, "header-ambiguous") == ["row 1, column Hemoglobin"]
    assert found.value is not None
    assert len(found.value.measurements) == 1


def test_same_result_in_two_units_is_one_result() -> None:
    """A column in another unit is used where the first is empty."""
    assert values("HGB (g/dL),Hb (g/L)\n7,70\n,80\n") == [("hemoglobin", 7.0), ("hemoglobin", 8.0)]


def test_two_loinc_codes_of_an_analyte_are_two_results() -> None:
    """Two methods, each with its code, both stay."""
    assert values("751-8 (10*9/L),753-4 (10*9/L)\n0.4,0.5\n") == [("anc", 0.4), ("anc", 0.5)]


# --- numbers ---------------------------------------------------------------------------------


def number(cell: str, text: str = "", delimiter: str = ",") -> float | None:
    """Parse a number by the conventions of a text."""
    found = parse_number(cell, Conventions(text, delimiter))
    return None if found is None else found.value


@pytest.mark.parametrize(
    ("cell", "text", "delimiter", "expected"),
    [
        ("7,1", "", ",", 7.1),
        ("0,125", "", ",", 0.125),
        ("7,1", "a;b", ";", 7.1),
        ("1,234,567", "", ",", 1234567.0),
        ("1.234,5", "", ";", 1234.5),
        ("1,234.5", "", ",", 1234.5),
        ("1.23,4,5", "", ",", None),
        ("12.34,5", "", ";", None),
        ("150 000", "", ",", 150000.0),
        ("150\u202f000,5", "", ";", 150000.5),
        ("15 0000", "", ",", None),
        ("1'500", "", ",", 1500.0),
        ("7.", "", ",", 7.0),
        ("1.2e3", "", ",", 1200.0),
        ("1.2.3", "", ",", None),
        # three digits after the only mark: the file decides, or nobody does
        ("150,000", "", ",", None),
        ("150,000", '"7.1",2\n', ",", 150000.0),
        ("150,000", '"7,1",2\n', ",", 150.0),
        ("7.125", "", ",", 7.125),
        ("7.125", "x;y", ";", None),
        ("7.125", "7.1;y", ";", 7.125),
        ("150.000", "7,1;y", ";", 150000.0),
        ("7.125", '"7,1",7.1\n', ",", 7.125),
    ],
)
def test_decimal_marks_are_settled_by_the_file(
    cell: str, text: str, delimiter: str, expected: float | None
) -> None:
    """A mark that could separate thousands is read as the file shows, or refused."""
    assert number(cell, text, delimiter) == expected


@pytest.mark.parametrize(
    ("cell", "value", "comparator", "unit"),
    [
        ("<0.5", 0.5, "<", None),
        ("≤ 5", 5.0, "<=", None),
        ("=> 5", 5.0, ">=", None),
        ("= 5", 5.0, "", None),
        ("7.1 H", 7.1, "", None),
        ("7.1*", 7.1, "", None),
        ("7.1 (L)", 7.1, "", None),
        ("7.1 g/dL", 7.1, "", "g/dL"),
        ("-3", -3.0, "", None),
        ("12 %", 12.0, "", "%"),
    ],
)
def test_numbers_carry_comparators_flags_and_units(
    cell: str, value: float, comparator: str, unit: str | None
) -> None:
    """A comparator is kept, a flag is ignored, and a unit beside the number is its unit."""
    assert parse_number(cell, Conventions("", ",")) == (value, comparator, unit)


@pytest.mark.parametrize("cell", ["nan", "inf", "1_000", "seven", "7 dwarfs", "", "0x10", "٧"])
def test_other_texts_are_no_numbers(cell: str) -> None:
    """What Python would take for a number need not be one in a laboratory."""
    assert parse_number(cell, Conventions("", ",")) is None


@pytest.mark.parametrize(
    ("cell", "level", "code"),
    [
        ("pending", "warning", "value-absent"),
        ("see note", "warning", "value-absent"),
        ("clotted", "warning", "sample-quality"),
        ("Platelets clumped", "warning", "sample-quality"),
        ("95 (clumps)", "error", "sample-quality"),
        ("low", "error", "value-not-number"),
        ("150,000", "error", "value-not-number"),
        ("-5", "error", "value-negative"),
        ("95000", "error", "value-implausible"),
    ],
)
def test_words_for_numbers_name_row_and_column(cell: str, level: str, code: str) -> None:
    """A result without a usable number is an issue at its row and column."""
    found = reading(f'PLT (K/uL),x\n"{cell}",\n')
    assert [(i.level, i.where) for i in found.issues if i.code == code] == [
        (level, "row 2, column PLT")
    ]


def test_empty_cell_of_a_wide_table_is_no_issue() -> None:
    """A test that was not made is not said to be missing."""
    found = reading("date,HGB (g/dL),PLT (K/uL),sex,age days\n2024-01-01,7,,F,3\n")
    assert not found.issues


def test_row_of_another_length_is_refused() -> None:
    """An unquoted decimal comma shifts all that follows: the row is not read."""
    found = reading("HGB (g/dL),PLT (K/uL)\n7,1,95\n7\n7.2,90\n7.3,80,,\n")
    assert places(found.issues, "row-ragged") == ["row 2", "row 3"]
    assert found.value is not None
    assert [m.value for m in found.value.measurements] == [7.2, 90.0, 7.3, 80.0]


# --- people and time -------------------------------------------------------------------------


def test_date_of_birth_turns_dates_into_ages() -> None:
    """Dates of draws become completed days of age."""
    child = case("dob,collected,HGB (g/dL)\n2020-01-01,2020-01-31 08:15,7\n")
    assert child.birth_date == date(2020, 1, 1)
    assert (child.measurements[0].age_days, child.age_days) == (30, 30)


def test_age_on_the_latest_date_serves_for_all_dates() -> None:
    """Draws of one week of a child of 7 keep their order."""
    text = "date,age (years),HGB (g/dL)\n2024-01-01,7,7\n2024-01-08,7,8\n,6,9\n"
    child = case(text)
    assert [m.age_days for m in child.measurements] == [2549, 2556, 2191]
    assert child.birth_date is None


def test_dates_without_birth_or_age_leave_ages_open() -> None:
    """A date alone is no age."""
    assert case("date,HGB (g/dL)\n2024-01-01,7\n").measurements[0].age_days is None


@pytest.mark.parametrize(
    ("heading", "cell", "days"),
    [
        ("age_days", "20", 20),
        ("age (months)", "2", 60),
        ("Age in weeks", "3", 21),
        ("age_years", "1.5", 547),
        ("age", "3 y 2 mo", 1156),
        ("age", "P3Y2M", 1156),
        ("age", "5d", 5),
        ("age at draw (days)", "4", 4),
    ],
)
def test_ages_are_read_in_their_unit(heading: str, cell: str, days: int) -> None:
    """The unit stands in the heading or the cell."""
    found = reading(f"{heading},HGB (g/dL)\n{cell},7\n")
    assert found.value is not None
    assert found.value.age_days == days
    assert "age-unknown" not in codes(found.issues)


def test_finest_age_column_is_used() -> None:
    """Of several columns of ages, the one in days wins."""
    assert case("age_years,age_days,age_group,HGB (g/dL)\n1,400,x,7\n").age_days == 400


def test_age_without_a_unit_is_read_in_years_with_a_warning() -> None:
    """A bare age is taken for years, and said once."""
    found = reading("age,HGB (g/dL)\n3,7\n3,8\n")
    assert found.value is not None
    assert found.value.age_days == 1095
    assert codes(found.issues, "warning").count("age-unknown") == 1


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("old", "age-unknown"),
        ("3 parsecs", "age-unknown"),
        ("3..5", "age-unknown"),
        ("pony", "age-unknown"),
        ("400", "age-implausible"),
        ("", "age-unknown"),
    ],
)
def test_unreadable_ages_are_noted(cell: str, code: str) -> None:
    """An age that is none leaves the age open."""
    found = reading(f"age_years,HGB (g/dL)\n{cell},7\n")
    assert found.value is not None
    assert found.value.age_days is None
    assert code in codes(found.issues)


@pytest.mark.parametrize(
    ("cell", "text", "expected"),
    [
        ("2024-03-04", "", date(2024, 3, 4)),
        ("2024/03/04", "", date(2024, 3, 4)),
        ("20240304", "", date(2024, 3, 4)),
        ("2024-03-04T10:00:00Z", "", date(2024, 3, 4)),
        ("04.03.2024", "", date(2024, 3, 4)),
        ("25/03/2024", "", date(2024, 3, 25)),
        ("03/25/2024 10:00", "", date(2024, 3, 25)),
        ("05/05/2024", "", date(2024, 5, 5)),
        ("4-Mar-2024", "", date(2024, 3, 4)),
        ("March 4, 2024", "", date(2024, 3, 4)),
        ("03/04/2024", "x\n25/12/2023", date(2024, 4, 3)),
        ("03/04/2024", "x\n12/25/2023", date(2024, 3, 4)),
        ("03/04/2024", "12/25/2023 25/12/2023", "ambiguous"),
        ("03/04/2024", "", "ambiguous"),
        ("31/31/2024", "", "invalid"),
        ("2024-13-01", "", "invalid"),
        ("4-Foo-2024", "", "invalid"),
        ("soon", "", "invalid"),
        ("03/04/24", "", "invalid"),
        ("0001-01-01", "", "invalid"),
        ("Foo 4, 2024", "", "invalid"),
    ],
)
def test_dates_are_read_or_refused(cell: str, text: str, expected: object) -> None:
    """A date is read when the cell or the file tells day from month, and refused otherwise."""
    assert parse_date(cell, Conventions(text, ",")) == expected


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("2020-01-01,03/04/2024", "date-invalid"),
        ("2020-01-01,never", "date-invalid"),
        ("2020-01-01,2019-12-31", "date-before-birth"),
        ("2020-01-01,2031-01-01", "date-in-future"),
        ("2031-01-01,2020-01-01", "date-in-future"),
    ],
)
def test_impossible_dates_are_errors(row: str, code: str) -> None:
    """A date that cannot be, or cannot be read, leaves the draw undated."""
    found = reading(f"dob,date,HGB (g/dL)\n{row},7\n", today=date(2026, 1, 1))
    assert code in codes(found.issues, "error")
    assert found.value is not None
    assert found.value.measurements[0].age_days is None


@pytest.mark.parametrize(
    ("word", "sex"),
    [("M", "male"), ("girl", "female"), ("Female", "female"), ("U", None), ("", None), ("1", None)],
)
def test_sex_is_read_from_words(word: str, sex: str | None) -> None:
    """Words for the sex are read; a number is not one."""
    found = reading(f"sex,HGB (g/dL)\n{word},7\n")
    assert found.value is not None
    assert found.value.sex == sex
    assert codes(found.issues).count("sex-unknown") == (sex is None) + (word == "1")


@pytest.mark.parametrize(
    "rows", ["F,2020-01-01,7\nM,2020-01-01,8", "F,2020-01-01,7\nF,2020-01-02,8"]
)
def test_two_sexes_or_birthdays_are_two_patients(rows: str) -> None:
    """Rows that cannot be of one child are not made one child quietly."""
    found = reading(f"sex,dob,HGB (g/dL)\n{rows}\n")
    assert "mixed-patients" in codes(found.issues, "error")


# --- many children ---------------------------------------------------------------------------


def test_rows_are_grouped_by_patient() -> None:
    """Children are told apart by the patient column, wherever their rows stand."""
    text = "row,patient_id,HGB (g/dL)\n1,a,7\n2,b,8\n3,a,9\n"
    found = list(tabular.read_many(text, KNOWLEDGE))
    assert [r.value and (r.value.id, len(r.value.measurements)) for r in found] == [
        ("a", 2),
        ("b", 1),
    ]


def test_rows_without_a_patient_give_a_reading_without_a_case() -> None:
    """Rows that name nobody are accounted for, and heading issues are said once."""
    text = "mrn,HGB (g/dL),wibble\na,7,\n,8,\na,9\nz,9\n,,,,1\n"
    readings = list(tabular.read_many(text, KNOWLEDGE))
    assert [r.value is not None for r in readings] == [True, False]
    assert places(readings[0].issues, "row-ragged") == ["row 4"]
    assert places(readings[1].issues, "no-patient") == ["row 3"]
    assert places(readings[1].issues, "row-ragged") == ["row 5", "row 6"]
    assert sum(codes(r.issues).count("header-unknown") for r in readings) == 1


def test_empty_patient_column_means_one_child() -> None:
    """A column that nobody filled does not make the table unreadable."""
    assert values("id,HGB (g/dL)\n,7\n") == [("hemoglobin", 7.0)]


def test_callers_id_wins() -> None:
    """The id given by the caller replaces the table's."""
    found = tabular.read("id,HGB (g/dL)\na,7\n", KNOWLEDGE, case_id="x").value
    assert found is not None
    assert found.id == "x"


# --- long tables -----------------------------------------------------------------------------


def test_long_table_reads_code_unit_range_and_comparator() -> None:
    """Each row is a result with its own unit, limits and bound."""
    text = (
        "loinc,test,value,valuenum,unit,low,high,reference range,comparator,status,date,dob\n"
        "718-7,x,71,,g/L,115,155,,,final,2024-01-01,2020-01-01\n"
        ",Platelets,<5,5,K/uL,,,150 - 400,,,2024-01-01,2020-01-01\n"
        ",MCV,,90,,,,<96,,,2024-01-01,2020-01-01\n"
        ",NEUT%,12,,,,,> 40,<=,,2024-01-01,2020-01-01\n"
        ",Neutrophils,12,,%,,,,,,,\n"
        ",Neutrophils (10^9/L),1,,,,,,,,,\n"
        "718-7,,7,,g/dL,,,,,cancelled,,\n"
        ",HGB,7,,,,,,,,,\n"
        ",MCV,91,,fL,,,,,,,\n"
        "787-2,,92,,,,,,,,,\n"
    )
    found = reading(text)
    assert found.value is not None
    assert [
        (m.analyte, m.value, m.comparator, m.lab_low, m.lab_high) for m in found.value.measurements
    ] == [
        ("hemoglobin", 7.1, "", 11.5, 15.5),
        ("platelets", 5.0, "<", 150.0, 400.0),
        ("mcv", 90.0, "", None, 96.0),
        ("neutrophils_pct", 12.0, "<=", 40.0, None),
        ("neutrophils_pct", 12.0, "", None, None),
        ("anc", 1.0, "", None, None),
        ("mcv", 91.0, "", None, None),
        ("mcv", 92.0, "", None, None),
    ]
    assert places(found.issues, "status-not-final") == ["row 8, column value"]
    assert codes(found.issues, "error") == ["status-not-final", "unit-missing"]


def test_long_table_takes_words_findings_and_treatments() -> None:
    """A row may be a qualitative test, a finding or a treatment."""
    text = (
        "test,result,age_days\nDAT,neg,9\nHP:0001744,absent,9\nFH_CONSANG,yes,\n"
        "Splenomegaly,present,9\nfilgrastim,yes,5\ntransfusion,no,9\nHGB,low,9\n"
    )
    found = reading(text)
    assert found.value is not None
    assert [(f.code, f.observed) for f in found.value.findings] == [
        ("LAB_DAT_POS", False),
        ("HP:0001744", False),
        ("FH_CONSANG", True),
        ("HP:0001744", True),
    ]
    assert [(t.kind, t.start_age_days) for t in found.value.treatments] == [("g_csf", 5)]
    assert "value-not-number" in codes(found.issues)


def test_long_rows_without_test_or_result_are_noted() -> None:
    """A row that lacks its test or its result is said; an unknown test is said once."""
    text = "test,value,age_days\nHGB,,3\n,7,3\n,,5\nfoo,1,3\nfoo,2,3\n9999-9,1,3\n"
    found = reading(text)
    assert places(found.issues, "value-absent") == ["row 2, column value"]
    assert places(found.issues, "missing-field") == ["row 3"]
    assert places(found.issues, "code-unknown") == ["row 5, column test", "row 7, column test"]
    assert found.value is not None
    assert found.value.age_days == 5


# --- findings and treatments in wide tables ----------------------------------------------------


def test_columns_of_findings_answer_yes_and_no() -> None:
    """A column per finding, by HPO id, own id or name; each finding counts once."""
    text = (
        "HP:0001744,HP_0002716 lymph nodes,fh_consang,Fever,HGB (g/dL)\n"
        "yes,0,x,n/a,7\nyes,no,1,maybe,7\n,,,,7\n"
    )
    found = reading(text)
    assert found.value is not None
    assert [(f.code, f.observed) for f in found.value.findings] == [
        ("HP:0001744", True),
        ("HP:0002716", False),
        ("FH_CONSANG", True),
    ]
    assert places(found.issues, "value-absent") == ["row 3, column Fever"]


def test_findings_column_lists_present_and_absent() -> None:
    """Semicolons, bars, and commas before an id separate; `!`, `-` and `no` exclude."""
    cell = "HP:0001744 (big spleen); !HP:0002716;no fever|FH_CONSANG, - HP:0000980; wibble;"
    found = reading(f"age_days\tfindings\n9\t{cell}\n10\t\n")
    assert found.value is not None
    assert [(f.code, f.observed, f.label) for f in found.value.findings] == [
        ("HP:0001744", True, "big spleen"),
        ("HP:0002716", False, ""),
        ("HP:0001945", False, ""),
        ("FH_CONSANG", True, ""),
        ("HP:0000980", False, ""),
    ]
    assert codes(found.issues, "error") == ["code-unknown"]


def test_columns_of_treatments_take_yes_dates_and_doses() -> None:
    """Yes is the day of the row, a date its own day, any other word means given."""
    text = (
        "dob,date,transfusion,G-CSF,steroids,treatment\n"
        "2020-01-01,2020-01-11,yes,2020-01-05,5 mg,ivig; haircut ;haircut;ivig\n"
        "2020-01-01,2020-01-21,no,2020-01-05,none,\n"
        "2020-01-01,2020-01-31,0,99/99/2020,1,\n"
        "2020-01-01,2020-02-01,,,,\n"
    )
    found = reading(text)
    assert found.value is not None
    assert [(t.kind, t.start_age_days) for t in found.value.treatments] == [
        ("red_cell_transfusion", 10),
        ("g_csf", 4),
        ("steroid", 10),
        ("ivig", 10),
        ("g_csf", None),
        ("steroid", 30),
    ]
    assert codes(found.issues).count("medication-not-used") == 1


def test_table_that_says_nothing_is_noted() -> None:
    """A table with nothing usable is read, and said to be of no use."""
    assert "nothing-usable" in codes(reading("HGB (g/dL),sex\n,F\n").issues)


# --- size ------------------------------------------------------------------------------------


def test_issues_of_a_kind_are_capped_with_a_summary() -> None:
    """Twenty issues of a kind are kept, and the rest are counted."""
    found = reading("HGB (g/dL),PLT (K/uL)\n" + "foo,9000\n" * 300 + "9000,bar\n")
    for code in ("value-not-number", "value-implausible"):
        kept = [i for i in found.issues if i.code == code]
        # Twenty of the many and the one of the other analyte, then the summary.
        assert len(kept) == 22
        assert kept[-1].where == "document"
        assert kept[-1].message.startswith("280 more")


def test_reading_takes_time_linear_in_the_rows() -> None:
    """A hospital's extract is read in seconds: 100,000 rows take two, and these a fifth of it."""
    rows = 20_000
    text = "patient,date,test,value,unit\n" + "".join(
        f"p{i % 1000},2024-01-{i % 28 + 1:02d},HGB,{i % 10 + 1}.5,g/dL\n" for i in range(rows)
    )
    start = time.process_time()
    readings = list(tabular.read_many(text, KNOWLEDGE))
    taken = time.process_time() - start
    assert sum(len(r.value.measurements) for r in readings if r.value is not None) == rows
    # A reader that compares each row with all others would take minutes.
    assert taken < 8


# --- writing ---------------------------------------------------------------------------------


def kept(value: Case) -> tuple[object, ...]:
    """Give what a table can say of a case."""
    return (
        value.id,
        value.sex,
        value.birth_date,
        [replace(m, where="", basis="") for m in value.measurements],
        [replace(f, where="", label="") for f in value.findings],
        [replace(t, where="", end_age_days=None) for t in value.treatments],
    )


RICH = Case(
    'c;1,"x"',
    "female",
    1000,
    date(2020, 1, 1),
    measurements=(
        Measurement("platelets", 5.0, 990, "<", 150.0, None),
        Measurement("anc", 0.125, None),
    ),
    findings=(Finding("HP:0001744", False, age_days=3), Finding("FH_CONSANG", True)),
    treatments=(Treatment("g_csf", 5),),
)


def test_case_reads_back_from_a_table() -> None:
    """Counts, findings and treatments survive, and so does the age of the record."""
    found = case(tabular.write(RICH, KNOWLEDGE))
    assert kept(found) == kept(RICH)
    assert found.age_days == 1000


@given(cases())
def test_any_case_reads_back_from_a_table(value: Case) -> None:
    """Every number, finding and start of a treatment survives."""
    found = tabular.read(tabular.write(value, KNOWLEDGE), KNOWLEDGE).value
    assert found is not None
    once = list(dict.fromkeys(replace(t, where="") for t in value.treatments))
    assert kept(found) == kept(replace(value, treatments=tuple(once)))


def test_every_analyte_and_finding_has_a_name_that_reads_back() -> None:
    """Ids written in the test column are understood, each as itself."""
    middle = [
        Measurement(a.id, max(a.plausible_low, min(a.plausible_high, 50.0)), 5)
        for a in KNOWLEDGE.analytes.values()
        if a.unit is not None
    ]
    value = Case(
        "all",
        measurements=tuple(middle),
        findings=tuple(Finding(f, True, age_days=5) for f in KNOWLEDGE.findings),
    )
    assert kept(case(tabular.write(value, KNOWLEDGE))) == kept(value)


def test_treatment_unknown_to_the_knowledge_is_written_by_its_kind() -> None:
    """A kind that no treatment entry names is written as it is called."""
    silent = replace(KNOWLEDGE, treatments=())
    assert "steroid,yes" in tabular.write(Case("c", treatments=(Treatment("steroid"),)), silent)


def test_age_parts_must_follow_one_another() -> None:
    """Anything between the parts of an age makes it unreadable."""
    assert parse_age("3 y and 2 mo", "years") is None
    assert parse_age("3 y, 2 mo", "years") == 1156
