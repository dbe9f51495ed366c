"""Shared strategies: records a hospital could send, and records it should not."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from hematon.engine.case import Case, Finding, Measurement, ReportedVariant, Treatment
from hematon.knowledge import load_knowledge

KNOWLEDGE = load_knowledge()
RANGES = {
    "hemoglobin": (1.5, 20.0),
    "anc": (0.0, 12.0),
    "wbc": (0.2, 40.0),
    "platelets": (0.0, 700.0),
    "mcv": (55.0, 130.0),
    "retic_abs": (0.0, 300.0),
    "hbf_pct": (0.0, 60.0),
    "alc": (0.1, 12.0),
    "monocytes": (0.0, 8.0),
    "eosinophils": (0.0, 3.0),
    "mpv": (5.0, 15.0),
    "ferritin": (1.0, 20000.0),
    "marrow_cellularity": (0.0, 100.0),
}
FINDINGS = sorted(KNOWLEDGE.findings)
TERMS = [f for f in FINDINGS if KNOWLEDGE.findings[f].kind not in ("lab", "pattern")]
GENES = sorted(KNOWLEDGE.genes)

ages = st.integers(min_value=0, max_value=7300)


@st.composite
def measurements(draw: st.DrawFn, age_days: int) -> Measurement:
    """One number at the given age or somewhat before."""
    analyte = draw(st.sampled_from(sorted(RANGES)))
    low, high = RANGES[analyte]
    value = draw(st.floats(low, high).map(lambda x: round(x, 2)))
    back = draw(st.sampled_from([0, 0, 0, 1, 20, 45, 120, 400]))
    return Measurement(
        analyte,
        value,
        max(0, age_days - back),
        draw(st.sampled_from(["", "", "", "<", ">"])),
    )


@st.composite
def cases(draw: st.DrawFn, *, max_counts: int = 12) -> Case:
    """A record with any mix of counts, findings, treatments and variants."""
    age = draw(ages)
    codes = draw(st.lists(st.sampled_from(TERMS), max_size=8, unique=True))
    return Case(
        id=draw(st.sampled_from(["a", "b", "c"])),
        sex=draw(st.sampled_from(["male", "female", None])),
        age_days=draw(st.sampled_from([age, None])),
        measurements=tuple(draw(st.lists(measurements(age), max_size=max_counts))),
        findings=tuple(Finding(code, draw(st.booleans()), age_days=age) for code in codes),
        treatments=tuple(
            Treatment(kind, max(0, age - back))
            for kind, back in draw(
                st.lists(
                    st.tuples(
                        st.sampled_from(["red_cell_transfusion", "g_csf", "platelet_transfusion"]),
                        st.integers(0, 120),
                    ),
                    max_size=2,
                )
            )
        ),
        variants=tuple(
            ReportedVariant(gene, "pathogenic", "heterozygous")
            for gene in draw(st.lists(st.sampled_from(GENES), max_size=1))
        ),
    )


@st.composite
def single_draws(draw: st.DrawFn) -> Case:
    """A record of one draw, each analyte at most once, exact values, no treatment."""
    age = draw(ages)
    chosen = draw(st.lists(st.sampled_from(sorted(RANGES)), min_size=1, max_size=8, unique=True))
    counts = []
    for analyte in chosen:
        low, high = RANGES[analyte]
        value = draw(st.floats(low, high).map(lambda x: round(x, 2)))
        counts.append(Measurement(analyte, value, age))
    codes = draw(st.lists(st.sampled_from(TERMS), max_size=5, unique=True))
    return Case(
        id="one",
        sex=draw(st.sampled_from(["male", "female"])),
        age_days=age,
        measurements=tuple(counts),
        findings=tuple(Finding(code, draw(st.booleans())) for code in codes),
    )


def bare(value: Case | None) -> Case:
    """Give the case without what no writer keeps: places and the format it came from."""
    assert value is not None
    return replace(
        value,
        source_format="",
        measurements=tuple(replace(m, where="") for m in value.measurements),
        findings=tuple(replace(f, where="") for f in value.findings),
        treatments=tuple(replace(t, where="") for t in value.treatments),
        variants=tuple(replace(v, where="") for v in value.variants),
    )
