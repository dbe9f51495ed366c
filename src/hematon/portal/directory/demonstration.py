"""Experts of the demonstration: placeholders that say so. They have no NPI and no ratings."""

from __future__ import annotations

from datetime import date

from hematon.portal.directory.models import Expert
from hematon.portal.directory.roster.actions import add_experts
from hematon.portal.directory.roster.records import ExpertRecord

_FROM = date(2026, 1, 1)
_CLINIC = "Demonstration clinic, floor 2"
_INHERITED = (
    "fanconi-anemia",
    "diamond-blackfan-anemia",
    "dyskeratosis-congenita",
    "shwachman-diamond-syndrome",
)
_PLATELETS = (
    "congenital-amegakaryocytic-thrombocytopenia",
    "thrombocytopenia-with-absent-radii",
    "thrombocytopenia-disorders",
)
_NEUTROPHILS = ("severe-congenital-neutropenia", "cyclic-neutropenia")


def _sample(
    letter: str,
    work: str,
    role: str,
    credentials: tuple[str, ...],
    languages: tuple[str, ...],
    specialties: tuple[str, ...],
    conditions: tuple[str, ...] = (),
    states: tuple[tuple[str, date], ...] = (),
    *,
    accepting_new: bool = True,
) -> ExpertRecord:
    return ExpertRecord(
        id=f"sample-{work.replace(' ', '-')}-{letter.lower()}",
        given_names=f"Sample {work}",
        family_name=letter,
        credentials=credentials,
        role=role,
        specialties=specialties,
        conditions=conditions,
        languages=languages,
        locations=(_CLINIC,),
        states=tuple(sorted(states)),
        pronouns="",
        education=("Placeholder for a school (demonstration)",),
        npi="",
        telehealth=bool(states),
        accepting_new=accepting_new,
        active=True,
        active_from=_FROM,
        active_to=None,
    )


EXPERTS = (
    _sample(
        "A",
        "physician",
        "hematologist",
        ("MD",),
        ("en", "es"),
        ("bone_marrow_failure", "aplastic_anemia"),
        ("what-is-aplastic-anemia", *_INHERITED),
        (("CO", date(2028, 5, 31)), ("WY", date(2028, 1, 31)), ("NM", date(2027, 9, 30))),
    ),
    _sample(
        "B",
        "physician",
        "hematologist",
        ("MD", "PhD"),
        ("en",),
        ("bone_marrow_failure", "inherited_syndromes", "cancer_risk"),
        (*_INHERITED, "pearson-syndrome"),
        (("CO", date(2028, 5, 31)), ("KS", date(2027, 12, 31))),
    ),
    _sample(
        "C",
        "physician",
        "hematologist",
        ("DO",),
        ("en", "vi"),
        ("platelets", "neutropenia", "red_cells"),
        (*_PLATELETS, *_NEUTROPHILS, "diamond-blackfan-anemia"),
        (("CO", date(2027, 11, 30)),),
    ),
    _sample(
        "D",
        "physician",
        "transplant_physician",
        ("MD",),
        ("en", "fr"),
        ("transplant", "aplastic_anemia"),
        ("what-is-aplastic-anemia", "fanconi-anemia", *_PLATELETS[:1], *_NEUTROPHILS[:1]),
        accepting_new=False,
    ),
    _sample(
        "E",
        "physician assistant",
        "physician_assistant",
        ("PA-C",),
        ("en", "es"),
        ("bone_marrow_failure", "platelets"),
        ("what-is-aplastic-anemia", *_PLATELETS),
        (("CO", date(2028, 2, 28)),),
    ),
    _sample(
        "F",
        "nurse practitioner",
        "nurse_practitioner",
        ("CPNP-PC", "RN"),
        ("en",),
        ("neutropenia", "bone_marrow_failure"),
        (*_NEUTROPHILS, "shwachman-diamond-syndrome"),
        (("CO", date(2027, 8, 31)), ("NE", date(2027, 8, 31))),
    ),
    _sample(
        "G",
        "genetic counselor",
        "genetic_counselor",
        ("MS", "CGC"),
        ("en", "es"),
        ("genetics", "inherited_syndromes"),
        (*_INHERITED, *_PLATELETS, *_NEUTROPHILS, "pearson-syndrome"),
        (("CO", date(2028, 3, 31)), ("UT", date(2028, 3, 31))),
    ),
    _sample("H", "nurse", "nurse_coordinator", ("RN", "CPHON"), ("en", "es"), ("support",)),
    _sample("I", "social worker", "social_worker", ("LCSW",), ("en", "es"), ("support",)),
)


def load_demonstration_experts() -> None:
    """Add the placeholders to an empty directory."""
    if not Expert.objects.exists():
        add_experts(records=EXPERTS, by=None)
