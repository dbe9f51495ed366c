"""The same rules of wording for buttons, labels and hints: templates and their translations.

Staff pages are in English alone and go through no translation, so that every message of a .po
file is read by families.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hematon.portal
from hematon.portal.learn.problems import Make, Problem, maker
from hematon.portal.learn.readability import (
    GRADE_MOST,
    INFLESZ_LEAST,
    Measured,
    grade,
    inflesz,
    measure,
)
from hematon.portal.learn.wording import (
    SHARE_WITHIN,
    WORDS_AIM,
    WORDS_MOST,
    banned_in,
    without_explained,
)

PORTAL = Path(hematon.portal.__file__).parent
PO = "locale/es/LC_MESSAGES/django.po"
WORDS_ENOUGH = 100
"""Both formulas are made for passages; a few labels swing them."""
_STRING = re.compile(r'^"(.*)"$')
_KEY = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr)(?:\[\d\])? (".*")$')
_ESCAPE = {r"\n": "\n", r"\t": " ", r"\"": '"', r"\\": "\\"}
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
_TAG = re.compile(r"<[^>]*>")
_ENDED = re.compile(r"[.!?:]$")
_HIDDEN = re.compile(
    r"{#.*?#}|{% comment %}.*?{% endcomment %}"
    r"|{% blocktrans(?:late)?\b.*?{% endblocktrans(?:late)? %}"
    r"|{%.*?%}|{{.*?}}|<!--.*?-->|<script\b.*?</script>|<style\b.*?</style>",
    re.S,
)
_READ_ALOUD = re.compile(r'\b(?:alt|title|placeholder|aria-label|content)="([^"]*)"')
_META = re.compile(r"<meta [^>]*>")
_LETTERS = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Message:
    """One text of a .po file in one language.

    Attributes:
        line: of the file.
        language: "en" for the text itself, "es" for its translation.
        text: without tags, with a word for each placeholder.
    """

    line: int
    language: str
    text: str


def messages(file: Path) -> list[Message]:
    """Read the texts of a .po file and their translations; the header is no text."""
    found: list[Message] = []
    key, line, parts = "", 0, [""]

    def keep() -> None:
        text = _readable("".join(parts))
        if text and key in {"msgid", "msgid_plural"}:
            found.append(Message(line, "en", text))
        if text and key == "msgstr" and found:
            found.append(Message(line, "es", text))

    for number, row in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        begun, more = _KEY.match(row), _STRING.match(row)
        if begun:
            keep()
            key, line, parts = begun[1], number, [_unescaped(begun[2][1:-1])]
        elif more:
            parts.append(_unescaped(more[1]))
    keep()
    return found


def _unescaped(text: str) -> str:
    return re.sub(r'\\[nt"\\]', lambda match: _ESCAPE[match[0]], text)


def _readable(text: str) -> str:
    text = _TAG.sub(" ", _PLACEHOLDER.sub("it", text)).replace("%%", "%")
    return " ".join(text.split())


def problems(portal: Path = PORTAL) -> Iterator[Problem]:
    """Check every app's messages and templates.

    Args:
        portal: the folder that holds the apps.
    """
    for file in sorted(portal.glob(f"*/{PO}")):
        yield from of_messages(messages(file), maker(str(file.relative_to(portal))))
    for file in sorted(portal.glob("*/templates/**/*.html")):
        yield from of_template(file.read_text("utf-8"), maker(str(file.relative_to(portal))))


def of_messages(found: list[Message], make: Make) -> Iterator[Problem]:
    """Check one file: phrases and lengths one by one, reading grade over all of its sentences."""
    for message in found:
        for phrase in banned_in(message.text, message.language):
            yield make(message.line, f"says '{phrase}'")
        if re.search(r"\d\s?%", message.text):
            yield make(message.line, "a percentage: say '1 in 7'")
        if max(measure(message.text, message.language).sentences, default=0) > WORDS_MOST:
            yield make(message.line, f"a sentence of more than {WORDS_MOST} words")
    for language in ("en", "es"):
        said = [m.text for m in found if m.language == language and _ENDED.search(m.text)]
        counts = measure(without_explained("\n".join(said), language), language)
        if not counts.sentences:
            continue
        yield from _lengths(found, language, counts, make)
        if counts.words < WORDS_ENOUGH:
            continue
        if language == "en" and grade(counts) > GRADE_MOST:
            yield make(1, f"reading grade {grade(counts):.1f}, at most {GRADE_MOST:g}")
        if language == "es" and inflesz(counts) < INFLESZ_LEAST:
            yield make(1, f"INFLESZ {inflesz(counts):.0f}, at least {INFLESZ_LEAST:g}")


def _lengths(
    found: list[Message], language: str, counts: Measured, make: Make
) -> Iterator[Problem]:
    within = sum(size <= WORDS_AIM for size in counts.sentences) / len(counts.sentences)
    if within < SHARE_WITHIN:
        lines = ", ".join(
            str(message.line)
            for message in found
            if message.language == language
            and max(measure(message.text, language).sentences, default=0) > WORDS_AIM
        )
        yield make(
            1,
            f"only {within:.0%} of sentences ({language}) have at most {WORDS_AIM} words: "
            f"lines {lines}",
        )


def of_template(text: str, make: Make) -> Iterator[Problem]:
    """Check that a template is translated as a whole or, on staff pages, not at all."""
    if not re.search(r"{% (?:blocktrans|trans)", text):
        return
    bare = _HIDDEN.sub(lambda match: "\n" * match[0].count("\n"), text)
    bare = _META.sub("", bare)
    for number, line in enumerate(bare.splitlines(), start=1):
        spoken = [*_READ_ALOUD.findall(line), _TAG.sub(" ", line)]
        for words in spoken:
            # Tags may run over lines; what is left of one holds an equals sign.
            for piece in re.split(r"[<>]", words):
                left = re.sub(r"&\w+;|&#\d+;", " ", piece)
                if _LETTERS.search(left) and "=" not in left and "translate=" not in line:
                    yield make(number, f"not translated: '{left.strip()}'")
