"""Reading comments before they show: what two readers decide, and words masked.

Two people must agree, and a third settles it. A comment is left out for one of five reasons;
that it is negative is not one, and readers do not see the score.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    """Why a comment may be left out. There is no other reason."""

    OFFENSIVE = "offensive", _("it is offensive")
    DEFAMATORY = "defamatory", _("it says something false that harms a person")
    IDENTIFIES = "identifies", _("it could tell who a person is")
    OTHER_SERVICE = "other_service", _("it is about another service")
    SPAM = "spam", _("it is advertising or a threat")


@dataclass(frozen=True)
class Opinion:
    """What one reader decided.

    Attributes:
        reason: why to leave the comment out; empty to show it.
        masks: (start, end) of the words to cover, as positions in the comment.
    """

    reason: str
    masks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What the readers settled."""

    shown: bool
    reason: str
    masks: tuple[tuple[int, int], ...]


def settle(opinions: Sequence[Opinion]) -> Outcome | None:
    """Give what the readers agree on; None while another one is needed.

    Two agree when both would show it, or both leave it out for the same reason. Of three, the
    majority decides; the reason is the one named most, the third reader's when none is. What any
    reader who would show it covered stays covered.
    """
    if len(opinions) < 2:
        return None
    first, second = opinions[:2]
    if len(opinions) == 2 and first.reason != second.reason:
        return None
    shown = sum(not opinion.reason for opinion in opinions) * 2 > len(opinions)
    if shown:
        masks = [span for opinion in opinions if not opinion.reason for span in opinion.masks]
        return Outcome(True, "", merged(masks))
    named = Counter(opinion.reason for opinion in opinions if opinion.reason).most_common(1)[0]
    latest = [opinion.reason for opinion in opinions if opinion.reason][-1]
    return Outcome(False, named[0] if named[1] > 1 else latest, ())


def merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join spans that touch or overlap, in order."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def words(comment: str) -> list[tuple[int, int, str]]:
    """Give each word with where it stands, for readers to point at."""
    return [(match.start(), match.end(), match[0]) for match in re.finditer(r"\S+", comment)]


def covered(comment: str, masks: Sequence[tuple[int, int]]) -> list[str | None]:
    """Give the comment in pieces, with None in place of what is covered.

    Words covered next to each other become one block, so that their number does not show.
    """
    joined: list[tuple[int, int]] = []
    for start, end in merged(masks):
        if joined and not comment[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    pieces: list[str | None] = []
    at = 0
    for start, end in joined:
        if start > at:
            pieces.append(comment[at:start])
        pieces.append(None)
        at = end
    if at < len(comment):
        pieces.append(comment[at:])
    return pieces
