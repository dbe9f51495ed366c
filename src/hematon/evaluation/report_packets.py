"""Case reports with blood counts as phenopackets.

What a case report says in words is mapped by general rules, one per kind of statement, never for
one case; what no rule covers is left out.
"""

from __future__ import annotations

import re

from hematon.evaluation.packets import (
    ZYGOSITY,
    Json,
    at_age,
    feature,
    interpretations,
    measurement,
    new_packet,
)

DAYS_PER_YEAR = 365.25
COUNTS = {
    "hemoglobin_g_dl": ("LOINC:718-7", "g/dL"),
    "wbc_10e9_l": ("LOINC:6690-2", "10*9/L"),
    "anc_10e9_l": ("LOINC:751-8", "10*9/L"),
    "platelets_10e9_l": ("LOINC:777-3", "10*9/L"),
    "mcv_fl": ("LOINC:787-2", "fL"),
    "reticulocytes_percent": ("LOINC:17849-1", "%"),
    "reticulocytes_10e9_l": ("LOINC:60474-4", "10*9/L"),
    "hbf_percent": ("LOINC:4576-5", "%"),
    "lymphocytes_10e9_l": ("LOINC:731-0", "10*9/L"),
    "monocytes_10e9_l": ("LOINC:742-7", "10*9/L"),
    "eosinophils_10e9_l": ("LOINC:711-2", "10*9/L"),
}
NUMERIC_TESTS = (
    # Only a child's own blood: `maternal vitamin B12` is another person's.
    (r"(?:serum )?ferritin", "LOINC:2276-4"),
    (r"(?:vitamin )?b12", "LOINC:2132-9"),
    (r"(?:serum )?folate", "LOINC:2284-8"),
    (r"(?:serum )?iron", "LOINC:2498-4"),
    (r"tibc", "LOINC:2500-7"),
    (r"transferrin saturation", "LOINC:2502-3"),
    (r"(?:blood )?lead", "LOINC:5671-3"),
    (r"ldh", "LOINC:2532-0"),
    (r"haptoglobin", "LOINC:4542-7"),
    (r"uric acid", "LOINC:3084-1"),
    (r"fibrinogen", "LOINC:3255-7"),
    (r"sgot|ast", "LOINC:1920-8"),
    (r"mean platelet volume", "LOINC:32623-1"),
    (r"rbc", "LOINC:789-8"),
    (r"blasts in blood", "LOINC:709-6"),
    (r"nucleated red cells", "LOINC:58413-6"),
)
WORDED_TESTS = (
    # name, the finding when low, the finding when high
    (r"(?:vitamin )?b12", "HP:0100502", ""),
    (r"(?:serum )?folate", "HP:0100507", ""),
    (r"(?:serum )?ferritin", "HP:0012343", "HP:0003281"),
    (r"fibrinogen", "HP:0011900", ""),
    (r"c3", "HP:0005421", ""),
    (r"(?:serum )?lactate", "", "HP:0002151"),
)
ANSWERED_TESTS = (
    (r"chromosome breakage", "HP:0003221"),
    (r"direct coombs|direct antiglobulin", "HP:0032366"),
    (r"antinuclear", "HP:0003493"),
    (r"antineutrophil", "HP:0003453"),
    (r"parvovirus", "HEMATON:TST_PARVO_POS"),
    (r"pnh flow", "HP:0004818"),
    (r"^hiv\b", "HEMATON:TST_HIV_POS"),
    (r"mtdna|mitochondrial dna", "HEMATON:TST_MTDNA_DEL"),
)
MARROW = (
    # words, the finding, whether it is then present
    (r"\bhypo(?:cellular|plastic)\b", "HP:0005528", True),
    (r"\b(?:normo|hyper)cellular\b", "HP:0005528", False),
    (r"maturation arrest", "HP:0410253", True),
    (r"sideroblast", "HP:0004864", True),
    (r"vacuol", "HP:0034636", True),
    (r"(?:bi|tri|multi)lineage dysplasia", "HEMATON:MAR_DYSPLASIA", True),
    (r"replaced by blasts", "HEMATON:MAR_BLASTS20", True),
    (
        r"scant megakaryocytes|reduction of megakaryocytes|megakaryocytic hypoplasia",
        "HP:0005548",
        True,
    ),
    (r"increased megakaryocytes|normal megakaryopoiesis", "HP:0005548", False),
)
EXPOSURES = (
    (r"hepatitis(?!.*vaccin)", "HEMATON:EXP_HEPATITIS_6M"),
    (r"cow'?s milk|milk-dominated", "HEMATON:EXP_COW_MILK"),
    (r"vegan", "HEMATON:EXP_DIET_B12"),
    (r"restrictive|limited to", "HEMATON:EXP_RESTRICT"),
    (r"parvovirus", "HEMATON:TST_PARVO_POS"),
)
DRUGS = re.compile(r"linezolid|carbamazepine|colchicine|valpro|methotrexate|chloramphenicol")
FAMILY = (
    (r"(?<!non-)(?<!non )(?<!no )consanguin", "HEMATON:FH_CONSANG", True),
    (r"\b(?:no|non)[ -]consanguin", "HEMATON:FH_CONSANG", False),
    (r"\btwin affected|\bsibling affected|affected sibling", "HEMATON:FH_SIB", True),
    (r"\baml\b|leuk[a]?emia|myelodysplas", "HEMATON:FH_MDS_AML", True),
    (r"\b(?:father|mother|parent)\b[^;,]*\bthrombocytopenia", "HEMATON:FH_THROMBOCYTOPENIA", True),
)
_NUMBER = re.compile(r"([<>])?\s*(\d[\d.]*)\s*(per 100 leukocytes|\S+)?.*")
_PUBMED = re.compile(r"(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/(\d+)")
_EARLIER = re.compile(r"(a|one|\d+) (day|week|month|year)s? earlier")
_UNIT_DAYS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": DAYS_PER_YEAR}


def report_packet(row: Json, *, include_variants: bool = False) -> Json:
    """Give a case report of `published_cases.jsonl` as a packet.

    The time at the last encounter is the age at presentation; a later count has its own time.

    Args:
        row: one row.
        include_variants: whether to write the reported genes.

    Returns:
        The packet, without the diagnosis.
    """
    packet = new_packet(row["id"], row["sex"], publications(row))
    years = row["age_years"]
    days = None if years is None else int(years * DAYS_PER_YEAR)
    if days is not None:
        packet["subject"]["timeAtLastEncounter"] = at_age(days)
    packet["measurements"] = _counts(row, days) + _numbers(row, days)
    packet["phenotypicFeatures"] = _findings(row)
    packet["medicalActions"] = [
        {"treatment": {"agent": {"id": "HEMATON:drug", "label": text}}}
        for text in row["exposures"]
        if DRUGS.search(text.lower())
    ]
    if include_variants and row["genes"]:
        packet["interpretations"] = interpretations(
            row["id"],
            [{"gene": g["symbol"], "state": ZYGOSITY.get(g["zygosity"])} for g in row["genes"]],
        )
    return packet


def publications(row: Json) -> list[str]:
    """Give the publication of a case report when its address is PubMed's."""
    pubmed = _PUBMED.search(row["source_url"])
    return [f"PMID:{pubmed[1]}"] if pubmed else []


def series_day(entry: Json) -> int | None:
    """Give the day of a serial count relative to presentation; None when nothing tells."""
    if entry["day"] is not None:
        return int(entry["day"])
    match = _EARLIER.search(entry.get("label", ""))
    if match is None:
        return None
    number = 1 if match[1] in ("a", "one") else int(match[1])
    return -round(number * _UNIT_DAYS[match[2]])


def _counts(row: Json, days: int | None) -> list[Json]:
    """Give each count once; serial counts that nothing dates would be taken for today's."""
    seen = set()
    written = []
    entries = [(0, row["presentation_day0"])]
    entries += [(day, e) for e in row["series"] if (day := series_day(e)) is not None]
    for day, entry in entries:
        for name, (assay, unit) in COUNTS.items():
            value = entry.get(name)
            if value is None or (name, day, value) in seen:
                continue
            seen.add((name, day, value))
            at = None if days is None else days + day
            written.append(measurement(assay, value, unit, at))
    return written


def _numbers(row: Json, days: int | None) -> list[Json]:
    written = []
    for test in row["tests"]:
        for pattern, assay in NUMERIC_TESTS:
            number = _NUMBER.fullmatch(test["result"])
            if number and re.fullmatch(pattern, test["name"].lower()):
                unit = (number[3] or "").replace("x10^", "10*")
                unit = "/100{WBC}" if unit == "per 100 leukocytes" else unit
                written.append(measurement(assay, float(number[2]), unit, days, number[1] or ""))
    marrow = row["marrow"]
    if marrow["cellularity_percent"] is not None:
        written.append(
            measurement("HEMATON:marrow_cellularity", marrow["cellularity_percent"], "%", days)
        )
    for text in marrow["description_terms"]:
        if blasts := re.search(r"(\d+)% blasts", text):
            written.append(measurement("HEMATON:marrow_blasts_pct", float(blasts[1]), "%", days))
    return written


def _findings(row: Json) -> list[Json]:
    """Give the coded findings, and those that the words of a report clearly state."""
    features = [
        feature(finding["hpo"], finding["hpo_name"], observed)
        for name, observed in (("findings_observed", True), ("findings_excluded", False))
        for finding in row[name]
    ]
    stated: list[tuple[str, bool]] = []
    for text in row["exposures"]:
        stated += [(c, True) for pattern, c in EXPOSURES if re.search(pattern, text.lower())]
    family = (row["family_history"] or "").lower()
    stated += [(c, seen) for pattern, c, seen in FAMILY if re.search(pattern, family)]
    marrow = "; ".join(row["marrow"]["description_terms"]).lower()
    stated += [(c, seen) for pattern, c, seen in MARROW if re.search(pattern, marrow)]
    for test in row["tests"]:
        stated += _answers(test["name"].lower(), test["result"].lower())
    known = {f["type"]["id"] for f in features}
    # Said both ways, as by two assays or two marrows: one positive stands.
    positive = {code for code, seen in stated if seen}
    for code, seen in dict.fromkeys(stated):
        if code not in known and (seen or code not in positive):
            features.append(feature(code, "", seen))
    return features


def _answers(name: str, result: str) -> list[tuple[str, bool]]:
    found = []
    for pattern, code in ANSWERED_TESTS:
        if not re.search(pattern, name):
            continue
        if re.search(r"\bpositive\b|\b[1-4]\+|\bdeletion\b|type iii", result):
            found.append((code, True))
        elif result in ("negative", "normal"):
            found.append((code, False))
    for pattern, low, high in WORDED_TESTS:
        if not re.fullmatch(pattern, name):
            continue
        if re.search(r"\blow\b|\bbelow\b|decreased", result) and low:
            found.append((low, True))
        elif re.search(r"elevated|\bhigh\b|increased", result) and high:
            found.append((high, True))
        elif result == "normal":
            found += [(code, False) for code in (low, high) if code]
    if name in ("karyotype", "cytogenetics", "marrow karyotype") and "monosomy 7" in result:
        found.append(("HEMATON:MAR_MONO7", True))
    return found
