"""The evaluation data as phenopackets, file by file, with the vignettes of the brief."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from hematon.evaluation.packets import Json, at_age, feature, new_packet, terms_packet
from hematon.evaluation.report_packets import COUNTS, DAYS_PER_YEAR, report_packet, series_day

__all__ = [
    "COUNTS",
    "bmf_to_phenopackets",
    "published_to_phenopackets",
    "series_day",
    "vignettes_to_phenopackets",
]


def published_to_phenopackets(path: Path, *, include_variants: bool = True) -> Iterator[Json]:
    """Give the case reports with counts, without the diagnosis."""
    for row in _lines(path):
        yield report_packet(row, include_variants=include_variants)


def bmf_to_phenopackets(path: Path, *, include_variants: bool = False) -> Iterator[Json]:
    """Give the patients of phenopacket-store and the like, without the disease."""
    for row in _lines(path):
        yield terms_packet(row, include_variants=include_variants)


def _lines(path: Path) -> Iterator[Json]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    yield from map(json.loads, text.splitlines())


def vignettes_to_phenopackets(path: Path) -> Iterator[Json]:
    """Give the consistency cases of the clinical brief as packets.

    Args:
        path: `vignettes.json`.

    Yields:
        One packet per vignette, without what is expected of it.
    """
    for row in json.loads(path.read_text()):
        packet = new_packet(row["id"], row["sex"], [])
        packet["subject"]["timeAtLastEncounter"] = at_age(int(row["age"] * DAYS_PER_YEAR))
        packet["phenotypicFeatures"] = [
            feature(code if code.startswith("HP:") else f"HEMATON:{code}", "", observed)
            for name, observed in (("present", True), ("absent", False))
            for code in row[name]
        ]
        yield packet
