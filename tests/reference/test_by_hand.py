"""Numbers worked out again in plain Python from the YAML, by the published formula.

Nothing of the engine or the compiler is used on the left side of a comparison but the files
themselves; the tolerance is that of ten written digits.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from hematon.engine import assess
from hematon.engine.assessment import Assessment, Contribution
from hematon.engine.case import Case, Finding, Measurement
from hematon.knowledge import Knowledge

DATA = Path(__file__).parents[2] / "src" / "hematon" / "knowledge" / "data"
CLOSE = 1e-8
YEAR = 365.25


def load(name: str) -> Any:
    """Read a knowledge file as it stands."""
    return yaml.safe_load((DATA / name).read_text())


MODEL = {k: v["value"] for k, v in load("model.yaml")["parameters"].items()}
MODEL |= {k: v["value"] for k, v in load("fitted.yaml")["parameters"].items()}
FINDINGS = {f["id"]: f for f in load("findings.yaml")["findings"]}


def frequency(condition: str, finding: str) -> float:
    """P(finding | condition) with the shrinkage of a counted n of N."""
    entry = load(f"conditions/{condition}.yaml")
    about = FINDINGS[finding]
    for row in entry["evidence"]:
        if row["finding"] == finding:
            n, of = (row["n"], row["of"]) if row["grade"] == "counted" else (0, 0)
            if row["grade"] in ("expert", "derived") and "n" not in row:
                n, of = pooled(condition, finding)
                of *= of >= MODEL["counted_least"]
            k = MODEL["pseudo_count"]
            value = (n + k * about["background"]) / (of + k) if of else row["frequency"]
            break
    else:
        value = about["general_population"]
    return min(max(value, MODEL["frequency_floor"]), 1 - MODEL["frequency_floor"])


def table(name: str) -> list[dict[str, str]]:
    """Read a table of the annotations."""
    with (DATA / "annotations" / name).open(newline="") as file:
        return list(csv.DictReader(file))


def pooled(condition: str, finding: str) -> tuple[int, int]:
    """Count a finding over the diseases of a condition: one count per disease and publication."""
    mine = {row["disease"] for row in table("diseases.csv") if row["condition"] == condition}
    terms = set(load("hpo.yaml")["findings"].get(finding, ()))
    best: dict[tuple[str, str], tuple[int, int]] = {}
    for row in table("lines.csv"):
        if row["disease"] in mine and row["term"] in terms and row["of"]:
            key = (row["disease"], row["reference"])
            best[key] = max(best.get(key, (0, 0)), (int(row["n"]), int(row["of"])))
    return sum(n for n, _ in best.values()), sum(of for _, of in best.values())


def log_ratio(condition: str, finding: str, *, present: bool) -> float:
    """One finding's log likelihood ratio against the background, held within its bounds."""
    f, background = frequency(condition, finding), FINDINGS[finding]["background"]
    ratio = f / background if present else (1 - f) / (1 - background)
    return math.log(min(max(ratio, MODEL["ratio_min"]), MODEL["ratio_max"]))


def pieces(result: Assessment, condition: str) -> dict[str, Contribution]:
    """The contributions of a condition by evidence."""
    found = next(c for c in result.differential if c.condition == condition)
    return {c.evidence: c for c in found.contributions}


@pytest.mark.parametrize("condition", ["fanconi_anemia", "dba", "tbd", "camt", "acute_leukemia"])
def test_findings_of_one_group_are_divided_by_the_root_of_their_number(
    knowledge: Knowledge, condition: str
) -> None:
    """Two findings of the heart and gut groups stand alone; three of the skin share a root."""
    stated = {"HP:0007400": True, "HP:0001053": True, "HP:0008404": False, "HP:0002575": True}
    case = Case(
        "x", "male", 2500, findings=tuple(Finding(code, seen) for code, seen in stated.items())
    )
    found = pieces(assess(case, knowledge, explain=frozenset([condition])), condition)
    # Exclusion reaches below: what else of the group is known counts towards its number.
    skin = [f for f in found if f in FINDINGS and FINDINGS[f]["group"] == "skin"]
    for code, seen in stated.items():
        group = FINDINGS[code]["group"]
        members = len(skin) if group == "skin" else 1
        wanted = log_ratio(condition, code, present=seen) / members ** MODEL["damping_exponent"]
        wanted *= MODEL["weight_described"]
        assert found[code].log_likelihood_ratio == pytest.approx(wanted, abs=CLOSE), code


def test_prior_of_two_conditions_by_age_and_sex(knowledge: Knowledge) -> None:
    """The prior odds of DBA against Fanconi anemia in a girl of two months, by hand."""
    days = 61

    def weight(condition: str) -> float:
        entry = load(f"conditions/{condition}.yaml")
        root = math.sqrt(days / YEAR)
        median, p5, p95 = (math.sqrt(entry["age"][k]) for k in ("median", "p5", "p95"))
        left = max((median - p5) / 1.645, MODEL["age_min_sd"])
        right = max((p95 - median) / 1.645, MODEL["age_min_sd"])
        z = (root - median) / (left if root < median else right)
        density = 2 / (left + right) / math.sqrt(2 * math.pi) * math.exp(-z * z / 2)
        ratio = min(max(density * math.sqrt(18), MODEL["age_ratio_min"]), MODEL["age_ratio_max"])
        ratio *= 2 * (1 - entry["sex"]["male_fraction"])
        incidence = entry["prior"]["value"] ** MODEL["prior_exponent"]
        return float(incidence * ratio ** MODEL["weight_age_and_sex"])

    result = assess(
        Case("x", "female", days), knowledge, explain=frozenset(["dba", "fanconi_anemia"])
    )
    odds = (
        pieces(result, "dba")["prior"].log_likelihood_ratio
        - pieces(result, "fanconi_anemia")["prior"].log_likelihood_ratio
    )
    assert odds == pytest.approx(math.log(weight("dba") / weight("fanconi_anemia")), abs=CLOSE)


def test_z_score_between_two_bands(knowledge: Knowledge) -> None:
    """MCV at day 200 lies between the knots of two bands of Saarinen 1978, interpolated by hand."""
    bands = load("reference_intervals/mcv.yaml")["bands"]
    here = next(b for b in bands if b["age_min_days"] <= 200 <= b["age_max_days"])
    middle = (here["age_min_days"] + here["age_max_days"]) / 2
    before = next(b for b in bands if b["age_max_days"] == here["age_min_days"] - 1)
    earlier = (before["age_min_days"] + before["age_max_days"]) / 2
    share = (200 - earlier) / (middle - earlier)
    assert 0 < share < 1
    lower, median = (before[k] + share * (here[k] - before[k]) for k in ("lower", "median"))
    case = Case("x", "male", 200, measurements=(Measurement("mcv", 70.0, 200),))
    shown = assess(case, knowledge).inputs[0]
    assert shown.lower == pytest.approx(lower, abs=CLOSE)
    assert shown.median == pytest.approx(median, abs=CLOSE)
    assert shown.z == pytest.approx((70.0 - median) / ((median - lower) / 2), abs=CLOSE)


def test_log_scale_z_score_within_a_long_band(knowledge: Knowledge) -> None:
    """Monocytes of a school child stand on the flat part of their band, on the log scale."""
    band = load("reference_intervals/monocytes.yaml")["bands"][-1]
    case = Case("x", "male", 3000, measurements=(Measurement("monocytes", 0.3, 3000),))
    shown = assess(case, knowledge).inputs[0]
    wanted = math.log(0.3 / band["median"]) / (math.log(band["median"] / band["lower"]) / 1.96)
    assert shown.z == pytest.approx(wanted, abs=CLOSE)


def test_information_gain_of_a_test(knowledge: Knowledge) -> None:
    """The gain of chromosome breakage is the fall in entropy it is expected to bring."""
    counts = {"hemoglobin": 8.0, "anc": 0.8, "platelets": 30.0, "mcv": 104.0}
    case = Case(
        "x", "male", 2500, measurements=tuple(Measurement(c, v, 2500) for c, v in counts.items())
    )
    result = assess(case, knowledge)
    test = next(t for t in result.next_tests if t.test == "deb_mmc")
    posterior = [c.posterior for c in result.differential]
    positive = []
    for candidate in result.differential:
        if candidate.condition == "something_else":
            positive.append(FINDINGS["TST_DEB_POS"]["background"])
        else:
            positive.append(frequency(candidate.condition, "TST_DEB_POS"))

    def entropy(weights: list[float]) -> float:
        total = sum(weights)
        return -sum(w / total * math.log2(w / total) for w in weights if w > 0)

    yes = [p * s for p, s in zip(posterior, positive, strict=True)]
    no = [p * (1 - s) for p, s in zip(posterior, positive, strict=True)]
    gain = entropy(posterior) - sum(yes) * entropy(yes) - sum(no) * entropy(no)
    assert test.information_gain == pytest.approx(gain, abs=1e-7)
    never = [c.never_miss for c in result.differential]

    def two(weights: list[float]) -> float:
        inside = sum(w for w, n in zip(weights, never, strict=True) if n)
        return entropy([inside, sum(weights) - inside])

    about = two(posterior) - sum(yes) * two(yes) - sum(no) * two(no)
    assert test.never_miss_gain == pytest.approx(about, abs=1e-7)
    # Blood, tier 1, ten days against half worth at 28: the burdens of model.yaml by hand.
    assert test.worth == pytest.approx((gain + about) / (1.0 * 1.5 * (1 + 10 / 28)), abs=1e-7)


def test_information_gain_of_a_test_with_several_outcomes(knowledge: Knowledge) -> None:
    """The gain over B12 low, folate low without it, and neither, is the fall in entropy."""
    counts = {"hemoglobin": 7.0, "anc": 0.9, "platelets": 90.0, "mcv": 112.0}
    case = Case(
        "x", "female", 500, measurements=tuple(Measurement(c, v, 500) for c, v in counts.items())
    )
    result = assess(case, knowledge)
    test = next(t for t in result.next_tests if t.test == "b12_folate_mma")
    posterior = [c.posterior for c in result.differential]

    def of(finding: str) -> list[float]:
        return [
            FINDINGS[finding]["background"]
            if c.condition == "something_else"
            else frequency(c.condition, finding)
            for c in result.differential
        ]

    b12, folate = of("LAB_B12_LOW"), of("LAB_FOLATE_LOW")
    outcomes = [
        [p * b for p, b in zip(posterior, b12, strict=True)],
        [p * (1 - b) * f for p, b, f in zip(posterior, b12, folate, strict=True)],
        [p * (1 - b) * (1 - f) for p, b, f in zip(posterior, b12, folate, strict=True)],
    ]

    def entropy(weights: list[float]) -> float:
        total = sum(weights)
        return -sum(w / total * math.log2(w / total) for w in weights)

    gain = entropy(posterior) - sum(sum(o) * entropy(o) for o in outcomes)
    assert test.information_gain == pytest.approx(gain, abs=1e-7)
    assert [o.probability for o in test.outcomes] == pytest.approx([sum(o) for o in outcomes])


def test_terms_over_the_public_annotations(knowledge: Knowledge) -> None:
    """What two stated terms and an excluded one say of CAMT against something else, by hand."""
    stated = {"HP:0000978": True, "HP:0012210": True, "HP:0001250": False}
    terms = {row["term"]: row for row in table("terms.csv")}
    own = {
        FINDINGS[row["finding"]]["hpo"]: row["frequency"]
        for row in load("conditions/camt.yaml")["evidence"]
        if FINDINGS[row["finding"]].get("hpo")
    }
    diseases = [{t: f for t, f in own.items() if t in terms}]
    for row in table("diseases.csv"):
        if row["condition"] == "camt":
            diseases.append(annotated(row["disease"]))

    def beneath(term: str, of: str) -> bool:
        return term == of or any(beneath(p, of) for p in terms[term]["parents"].split())

    def present(disease: dict[str, float], term: str) -> float:
        return 1 - math.prod(1 - min(f, 0.99) for t, f in disease.items() if beneath(t, term))

    def ratio(disease: dict[str, float], term: str) -> float:
        above = terms[term]["parents"].split()
        if not above:
            return 1.0
        share = MODEL["annotation_own_level"]
        here = present(disease, term) / float(terms[term]["background"])
        return share * here + (1 - share) * sum(ratio(disease, p) for p in above) / len(above)

    def fit(disease: dict[str, float]) -> float:
        total = 0.0
        for term, seen in stated.items():
            if seen:
                some = MODEL["annotation_unrelated"]
                mixed = some + (1 - some) * ratio(disease, term)
                total += math.log(min(mixed, MODEL["annotation_ratio_max"]))
            else:
                left = 1 - min(present(disease, term), 0.98)
                chance = left / (1 - float(terms[term]["background"]))
                total += MODEL["annotation_absent_weight"] * math.log(chance)
        return total

    entry = MODEL["annotation_entry_share"]
    shares = [entry, *[(1 - entry) / (len(diseases) - 1)] * (len(diseases) - 1)]
    total = math.log(sum(w * math.exp(fit(d)) for w, d in zip(shares, diseases, strict=True)))
    case = Case("x", findings=tuple(Finding(code, seen) for code, seen in stated.items()))
    found = pieces(assess(case, knowledge, explain=frozenset(["camt"])), "camt")
    told = [c for name, c in found.items() if name.startswith("annotations:")]
    assert len(told) >= 2
    assert sum(c.log_likelihood_ratio for c in told) == pytest.approx(
        MODEL["weight_annotations"] * total, abs=1e-5
    )


def annotated(disease: str) -> dict[str, float]:
    """How often each annotated term is present in a disease: counts before statements."""
    counted: dict[str, list[tuple[int, int]]] = {}
    said: dict[str, list[float]] = {}
    for row in table("lines.csv"):
        if row["disease"] == disease:
            if row["of"]:
                counted.setdefault(row["term"], []).append((int(row["n"]), int(row["of"])))
            else:
                said.setdefault(row["term"], []).append(float(row["frequency"] or 0.5))
    out = {term: sum(values) / len(values) for term, values in said.items()}
    for term, pairs in counted.items():
        present = sum(n for n, _ in pairs)
        out[term] = (present + 0.3) / (sum(of for _, of in pairs) + 1) if present else 0.0
    return out
