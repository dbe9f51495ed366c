"""The check as a row of questions. A page that already has its answer asks no more."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from hematon.portal.care import intake
from hematon.portal.ui.journey import Answers, Journey, Question
from hematon.portal.visits import forms
from hematon.portal.visits.rules import Decision, Kind, decide, licensed_states, rules


def _place_fits(given: Answers) -> bool:
    # Where no license is held the answer is known: no more questions, only the phone.
    return "where" in given and given["where"]["where"] in licensed_states()


def _no_symptoms(given: Answers) -> bool:
    return _place_fits(given) and given.get("symptoms", {}).get("symptoms") == "none"


CHECK = Journey(
    name="visit_check",
    questions=(
        Question("where", forms.WhereForm),
        Question("why", forms.WhyForm, _place_fits),
        Question("symptoms", forms.SymptomsForm, _place_fits, "visits/symptoms.html"),
        Question("device", forms.DeviceForm, _no_symptoms, "visits/device.html"),
        Question("language", forms.LanguageForm, _no_symptoms, "care/titled.html"),
    ),
    view="visit_check",
    start="video_visits",
    end="visit_result",
    caption=_("Is a video visit right for us?"),
)


def decision(given: Answers) -> Decision:
    """Decide from the answers; those not asked are empty."""
    return decide(
        where=given["where"]["where"],
        why=given.get("why", {}).get("why", []),
        symptoms=given.get("symptoms", {}).get("symptoms", "none"),
        device=given.get("device", {}).get("device", ""),
        licensed=licensed_states(),
        reasons=rules().reasons,
    )


def carry_over(request: HttpRequest) -> None:
    """Let the request to be called know the language, so that it is not asked twice."""
    given = CHECK.answers(request)
    language = given.get("language")
    if language is None or decision(given).kind is Kind.CALL_NOW:
        return
    intake.know(
        request,
        language={name: language[name] for name in ("language", "other_language")},
        interpreter={"interpreter": language["interpreter"]},
    )
