"""What a referral says to the rules of the reading order: signs now, and how soon it is wanted.

The rules ask in the words of families' pages (`thresholds.REPORTED`). A clinician answers with
findings; here stands which of them answer which question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hematon.engine.case import Case as Record
from hematon.portal.clinic.reading import knowledge
from hematon.portal.programme.thresholds import WANTED

_SAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "fever": ("HP:0001945", "SGN_FEVER_3D"),
    "looks_unwell": (
        *("SGN_UNWELL", "SGN_CHILLS", "SGN_HYPOTHERMIA", "SGN_HYPOTENSION", "SGN_HEART_FAILURE"),
        "HP:0100806",
    ),
    "bleeding": (
        *("HP:0001892", "SGN_ACTIVE_BLEEDING", "SGN_GUM_BLEEDING", "SGN_GI_BLEEDING"),
        *("HP:0000421", "HP:0000132", "HP:0002170"),
    ),
    "new_bruises": ("HP:0000978", "HP:0000967"),
    "headache": ("SGN_HEADACHE",),
    "head_injury": ("SGN_HEAD_INJURY",),
    "drowsy": ("SGN_DROWSY", "SGN_REDUCED_CONSCIOUSNESS", "HP:0001289"),
    "breathless": ("HP:0002094", "HP:0002098", "SGN_OXYGEN", "SGN_AIRWAY"),
    "blasts": ("LAB_BLASTS", "MAR_BLASTS20"),
}
"""By question: the findings that say yes. The first is the question itself: its absence is a no."""
_SOON: Final = frozenset({"now", "day"})


def reported(stated: Record, urgency: str) -> dict[str, bool]:
    """Give what the rules are told; a question that no finding answers is left out.

    Args:
        stated: findings, present and absent.
        urgency: how soon the clinician wants the child seen, a code of `forms.URGENCIES`.
    """
    known = knowledge()
    there = {
        code
        for finding in stated.findings
        if finding.observed
        for code in (finding.code, *known.findings_of(finding.code))
    }
    absent = {finding.code for finding in stated.findings if not finding.observed}
    told = {WANTED: urgency in _SOON}
    for question, codes in _SAYS.items():
        if there.intersection(codes):
            told[question] = True
        elif codes[0] in absent:
            told[question] = False
    return told
