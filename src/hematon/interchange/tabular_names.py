"""Take the heading of an analyte apart: its name, and the unit written beside it or implied."""

from __future__ import annotations

import re

from hematon.interchange.tabular_cells import is_unit
from hematon.interchange.words import analyte_named, names_an_analyte
from hematon.knowledge import Knowledge

CONVENTIONAL_UNITS = {"mcv": "fL", "mch": "pg", "mpv": "fL", "rdw_cv": "%", "rdw_sd": "fL"}
"""Analytes every laboratory reports in one unit; a count or a hemoglobin is never assumed."""
_SNAKE_SUFFIXES = (
    "g_dl=g/dL g_l=g/L mg_dl=mg/dL mg_l=mg/L ug_dl=ug/dL ug_l=ug/L ng_ml=ng/mL ng_dl=ng/dL "
    "ng_l=ng/L pg_ml=pg/mL mmol_l=mmol/L umol_l=umol/L nmol_l=nmol/L pmol_l=pmol/L u_l=U/L "
    "iu_l=[IU]/L iu_ml=[IU]/mL miu_l=m[IU]/L ug_g=ug/g fl=fL pg=pg pct=% percent=% k_ul=10*3/uL "
    "k_mm3=10*3/uL m_ul=10*6/uL per_ul=/uL cells_ul=/uL cells_per_ul=/uL per_mm3=/uL "
    "per_100wbc=/100{WBC} per_100_wbc=/100{WBC}"
)
_SNAKE_UNITS = {
    **dict(pair.split("=") for pair in _SNAKE_SUFFIXES.split()),
    **{
        f"{ten}{power}_{volume.lower()}": f"10*{power}/{volume}"
        for ten in ("10e", "x10e", "10_", "x10_", "10x", "10")
        for power, volume in ((3, "uL"), (6, "uL"), (9, "L"), (12, "L"))
    },
}
_BRACKETED = re.compile(r"(.*?)\s*[(\[]\s*(.*?)\s*[)\]]\s*")
_PERCENT = re.compile(r"%|pct\b|_pct|percent", re.IGNORECASE)
_ABSOLUTE = re.compile(r"(.+?)[\s_,(]+(?:abs|absolute)\)?", re.IGNORECASE)


def named_analyte(text: str, knowledge: Knowledge) -> tuple[str, str, str | None] | None:
    """Give name, analyte id and unit of a heading such as `Platelets, K/uL`; None when it is none.

    The whole heading is tried first, because `retic %` is a name and not a name with a unit.
    """
    if (analyte := analyte_named(knowledge, text, None)) is not None:
        return text, analyte, implied_unit(text, analyte, knowledge)
    if (match := _ABSOLUTE.fullmatch(text)) and (
        analyte := analyte_named(knowledge, match[1], "10*9/L")
    ):
        return match[1], analyte, None
    if (match := _BRACKETED.fullmatch(text)) and names_an_analyte(knowledge, match[1]):
        # What stands in brackets need not be a unit: `HGB (venous)` has none.
        name, unit = match[1], match[2] if is_unit(match[2]) else None
        analyte = analyte_named(knowledge, name, unit)
        if analyte is None:
            return None
        return name, analyte, unit or implied_unit(name, analyte, knowledge)
    for name, unit in _splits(text):
        # A unit is looked at only beside a name: to refuse an unknown one takes a UCUM parser.
        if names_an_analyte(knowledge, name) and is_unit(unit):
            analyte = analyte_named(knowledge, name, unit)
            return None if analyte is None else (name, analyte, unit)
    return None


def implied_unit(name: str, analyte: str, knowledge: Knowledge) -> str | None:
    """Give `%` when the name itself says so (`NEUT%`, `retic_pct`)."""
    fits = knowledge.analytes[analyte].unit in ("%", "/100{WBC}")
    return "%" if fits and _PERCENT.search(name) else None


def _splits(text: str) -> list[tuple[str, str]]:
    """Give every way to cut a heading into a name and a unit."""
    cuts = []
    if text.startswith("%"):
        cuts.append((text[1:].strip(), "%"))
    if "," in text:
        name, _, unit = text.rpartition(",")
        cuts.append((name, unit.strip()))
    words = text.split()
    cuts += [(" ".join(words[:-n]), " ".join(words[-n:])) for n in (1, 2, 3) if len(words) > n]
    snake = re.sub(r"[\s.-]+", "_", text.lower())
    cuts += [
        (snake.removesuffix(f"_{suffix}"), unit)
        for suffix, unit in _SNAKE_UNITS.items()
        if snake.endswith(f"_{suffix}")
    ]
    return cuts
