"""A break of a rule, in words that name the place and the fix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One break of a rule."""

    page: str
    line: int
    text: str

    def __str__(self) -> str:
        """Say where and what."""
        return f"{self.page}:{self.line}: {self.text}"


Make = Callable[[int, str], Problem]


def maker(page: str) -> Make:
    """Give what makes problems of one page from a line and a text."""
    return lambda line, text: Problem(page, line, text)
