"""What an opinion says: one answer to each question, and what belongs beside it.

The words of the clinician and those for the family stand apart. The Spanish words are a person's:
nothing here translates, and who wrote or checked them is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind
from hematon.portal.learn.readability import GRADE_AIM, GRADE_MOST, INFLESZ_LEAST, grade, inflesz
from hematon.portal.learn.readability import measure as counted
from hematon.portal.learn.wording import WORDS_AIM, banned_in, plain_text, without_explained

NO_QUESTION: Final = "What do you think of these records?"
"""Stands where a request came without a question of its own."""
_QUESTIONS: Final = ("questions", "question", "wish", "reason")


@dataclass(frozen=True)
class Answered:
    """One question with its answer."""

    question: str
    answer: str = ""


@dataclass(frozen=True)
class Content:
    """The words of an opinion.

    Attributes:
        answers: by question, in the order asked.
        recommendations: what to consider next.
        would_change: what would change our mind.
        limits: what was not seen.
        references: literature, one a line; may be empty.
        family_en: the family's version.
        family_es: the same in Spanish, for a family that reads Spanish.
        spanish_by: who wrote or checked the Spanish words.
    """

    answers: tuple[Answered, ...] = ()
    recommendations: str = ""
    would_change: str = ""
    limits: str = ""
    references: str = ""
    family_en: str = ""
    family_es: str = ""
    spanish_by: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give plain values to seal."""
        return {**asdict(self), "answers": [asdict(one) for one in self.answers]}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Content:
        """Read what was sealed."""
        given = dict(kept)
        answers = tuple(Answered(**one) for one in given.pop("answers", ()))
        return cls(answers=answers, **given)


def questions_of(case: Case) -> tuple[str, ...]:
    """Give what the sender asked, in the order asked; one of ours when nothing was."""
    found = []
    for key in _QUESTIONS:
        given = case.answers.get(key)
        # Only what its form calls a question: a page of referrals may keep more beside it.
        if isinstance(given, Mapping):
            found += [
                text.strip()
                for name, text in given.items()
                if name.startswith(("question", "wish")) and isinstance(text, str) and text.strip()
            ]
    return tuple(dict.fromkeys(found)) or (NO_QUESTION,)


def begun(case: Case) -> Content:
    """Give an empty opinion with the questions of a case in it."""
    return Content(answers=tuple(Answered(question) for question in questions_of(case)))


def is_for_family(case: Case) -> bool:
    """Say whether a family sent the case, and so must have a version to read."""
    return case.kind != Kind.REFERRAL


def needs_spanish(case: Case) -> bool:
    """Say whether the family reads Spanish: by its pages, or by the language it asked for."""
    asked = case.answers.get("language")
    spoken = asked.get("language") if isinstance(asked, Mapping) else ""
    return is_for_family(case) and "es" in (case.language, spoken)


@dataclass(frozen=True)
class Reads:
    """How a family version reads.

    Attributes:
        language: en or es.
        words: how many.
        value: Flesch-Kincaid grade, or INFLESZ.
        holds: whether it may be signed.
        aims: whether it reaches what we aim at.
        long: sentences of more than so many words.
        banned: words and promises that families' texts do without.
    """

    language: str
    words: int
    value: float
    holds: bool
    aims: bool
    long: int
    banned: tuple[str, ...] = field(default=())

    @property
    def said(self) -> str:
        """Say it in a line."""
        if not self.words:
            return "Nothing is written yet."
        if self.language == "es":
            return (
                f"INFLESZ {self.value:.0f} ({INFLESZ_LEAST:.0f} or more is needed), "
                f"{self.words} words."
            )
        return (
            f"Reading grade {max(self.value, 0):.1f} (aim for {GRADE_AIM:.0f}, "
            f"at most {GRADE_MOST:.0f}), {self.words} words."
        )

    @property
    def advice(self) -> Iterator[str]:
        """Say what would make it easier."""
        if self.words and not self.holds:
            yield "Too hard to read: use shorter sentences and everyday words."
        if self.long:
            verb = "sentence has" if self.long == 1 else "sentences have"
            yield f"{self.long} {verb} more than {WORDS_AIM} words."
        for phrase in self.banned:
            yield f"Says “{phrase.strip()}”: families' pages avoid it."


def reads(text: str, language: str) -> Reads:
    """Measure a family version with the gates of the pages; glossary words do not count against it.

    Args:
        text: what is written.
        language: en or es.
    """
    found = counted(without_explained(plain_text(text), language), language)
    value = inflesz(found) if language == "es" else grade(found)
    easy = value >= INFLESZ_LEAST if language == "es" else value <= GRADE_MOST
    return Reads(
        language=language,
        words=found.words,
        value=value,
        holds=bool(found.words) and easy,
        aims=easy if language == "es" else value <= GRADE_AIM,
        long=sum(size > WORDS_AIM for size in found.sentences),
        banned=tuple(banned_in(text, language)),
    )


def unfinished(content: Content, case: Case) -> list[tuple[str, str]]:
    """Give what must be there before signing: the field, and what to do."""
    found = [
        (f"answer_{n}", f"Answer question {n}.")
        for n, one in enumerate(content.answers, start=1)
        if not one.answer
    ]
    for name, words in (
        ("recommendations", "Write what you recommend."),
        ("would_change", "Write what would change your mind."),
        ("limits", "Write what was not seen."),
    ):
        if not getattr(content, name):
            found.append((name, words))
    wanted = ["en"] if is_for_family(case) or content.family_en else []
    wanted += ["es"] if needs_spanish(case) or content.family_es else []
    names = {"en": "English", "es": "Spanish"}
    for language in wanted:
        text = getattr(content, f"family_{language}")
        if not text:
            found.append(
                (f"family_{language}", f"Write the family's version in {names[language]}.")
            )
        elif not reads(text, language).holds:
            found.append(
                (
                    f"family_{language}",
                    f"Make the {names[language]} version easier to read: "
                    f"{reads(text, language).said}",
                )
            )
    if content.family_es and not content.spanish_by:
        found.append(("spanish_by", "Name who wrote or checked the Spanish version."))
    return found
