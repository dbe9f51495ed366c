"""Whatever is sent as a table, a reading or an UnreadableError comes out, and no name."""

from __future__ import annotations

import contextlib
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from hematon.engine.case import Case
from hematon.errors import Reading, UnreadableError
from hematon.interchange import tabular
from hematon.interchange.detect import read_any
from hematon.knowledge import load_knowledge
from strategies import cases

KNOWLEDGE = load_knowledge()
CANARY = "Zquxcanary"
WIDE = (
    "id,dob,date,sex,age,HGB (g/dL),HGB unit,PLT (K/uL),MCV,NEUT#,DAT,718-7 (g/L),HP:0001744,"
    "findings,transfusion,treatment"
)
WIDE_ROW = "a,2020-01-01,2024-01-01,F,4,7.1,g/dL,95,90,1,neg,71,yes,HP:0002716;!fever,yes,ivig"
LONG = "patient,date,test,value,unit,low,high,range,status,comparator,age_days"
LONG_ROW = "a,2024-01-01,718-7,7.1,g/dL,11,15,11-15,final,<,900"
cells = st.one_of(
    st.sampled_from(
        [
            "",
            CANARY,
            "7.1",
            "7,1",
            "<5",
            "1,234",
            "1e999",
            "-1",
            "g/dL",
            "K/uL",
            "%",
            "yes",
            "no",
            "pending",
            "clumped",
            "2024-01-01",
            "03/04/2024",
            "31/31/2024",
            "P3Y",
            "3 y",
            "HP:0001744",
            "!HP:0001744",
            "718-7",
            "HGB",
            '"',
            "\x00",
            "٧",
            "9" * 400,
            "0001-01-01",
            "9999-12-31",
        ]
    ),
    st.text(max_size=10),
)


def attempt(raw: bytes | str) -> list[Reading[Case]]:
    """Read a table; nothing but UnreadableError may come out, and no issue tells a name."""
    try:
        readings = list(tabular.read_many(raw, KNOWLEDGE, today=date(2026, 1, 1)))
    except UnreadableError as error:
        readings = [Reading(None, error.issues)]
    for reading in readings:
        for issue in reading.issues:
            assert CANARY.lower() not in repr(issue).lower()
    return readings


@given(st.binary(max_size=200))
def test_random_bytes(raw: bytes) -> None:
    """Any bytes are a reading or unreadable, by the table reader and by the one that detects."""
    attempt(raw)
    with contextlib.suppress(UnreadableError):
        list(read_any(raw, KNOWLEDGE))


@given(st.text(max_size=200), st.sampled_from([WIDE, LONG, "", "sep=;", "HGB (g/dL)"]))
def test_random_text_below_headings(text: str, heading: str) -> None:
    """Any text below known headings is a reading or unreadable."""
    attempt(f"{heading}\n{text}")


@given(st.sampled_from([(WIDE, WIDE_ROW), (LONG, LONG_ROW)]), st.data())
def test_cells_replaced(table: tuple[str, str], data: st.DataObject) -> None:
    """Rows of anything in known columns are accounted for: a case, or a reason."""
    heading, row = table
    width = row.count(",") + 1
    rows = data.draw(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=4))
    quoted = [",".join('"' + c.replace('"', '""') + '"' for c in r) for r in rows]
    for reading in attempt("\n".join([heading, row, *quoted])):
        assert reading.value is not None or reading.issues


@given(st.lists(cells, min_size=1, max_size=8), st.lists(cells, min_size=1, max_size=8))
def test_headings_replaced(heading: list[str], row: list[str]) -> None:
    """Any headings are a reading or unreadable."""
    attempt(";".join(heading) + "\n" + ";".join(row))


def test_a_name_in_every_cell_and_heading_is_never_repeated() -> None:
    """A name put into each heading and cell in turn, bare or disguised, is in no issue."""
    for heading, row in ((WIDE, WIDE_ROW), (LONG, LONG_ROW)):
        for i in range(heading.count(",") + 1):
            for disguise in (
                CANARY,
                f"HP:0001744 {CANARY}",
                f"HP:{CANARY}",
                f"HGB ({CANARY})",
                f"718-7 {CANARY}",
                f"7.1 {CANARY}",
                f"g/dL{{{CANARY}}}",
                f"!{CANARY}",
                f"2024-01-01 {CANARY}",
                f"{CANARY} unit",
            ):
                for which in (0, 1):
                    lines = [heading.split(","), row.split(",")]
                    lines[which][i] = disguise
                    attempt("\n".join(",".join(line) for line in lines))


@given(cases(), st.data())
def test_written_table_with_characters_changed(case: Case, data: st.DataObject) -> None:
    """A table broken on the way is a reading or unreadable."""
    raw = bytearray(tabular.write(case, KNOWLEDGE).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    attempt(bytes(raw))
