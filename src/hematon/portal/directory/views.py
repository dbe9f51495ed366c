"""The directory that families read: list, expert, how ratings work, the programme."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from hematon.portal.directory import rules
from hematon.portal.directory.access import (
    current_claims,
    listed_expert,
    listed_experts,
    photo_of,
    published_rating,
    today,
)
from hematon.portal.directory.finding import found, search_of, video_states
from hematon.portal.directory.models import Claim, Expert, LicensedState, PublishedRating
from hematon.portal.directory.moderation import Reason
from hematon.portal.directory.vocabulary import vocabulary
from hematon.portal.learn.pages import pages
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import RatingRules
from hematon.portal.ui.open import open_page


@dataclass(frozen=True)
class Condition:
    """A condition an expert treats; the page is empty where there is none yet."""

    name: str
    page: str


@dataclass(frozen=True)
class Comments:
    """The comments of an expert's ratings, and why others are not shown."""

    shown: Sequence[object]
    total: int
    waiting: int
    left_out: list[tuple[int, str]]
    too_few: int

    @property
    def not_shown(self) -> int:
        """How many of all are not shown."""
        return self.total - len(self.shown)


@open_page
@require_safe
def experts(request: HttpRequest) -> HttpResponse:
    """List the experts who fit the filters, by name."""
    day = today()
    everyone = list(listed_experts(day))
    search = search_of(request.GET, everyone, day)
    cards = [(one, video_states(one, day)) for one in found(search, everyone, day)]
    return render(request, "directory/experts.html", {"search": search, "cards": cards})


@open_page
@require_safe
def expert(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one expert."""
    day = today()
    one = listed_expert(slug, day)
    rating = published_rating(one, day)
    set_rules = current(RatingRules)
    return render(
        request,
        "directory/expert.html",
        {
            "expert": one,
            "conditions": _conditions(one),
            "licenses": _licenses(one, day),
            "rating": rating,
            "comments": _comments(rating) if rating else None,
            "window": set_rules.window_days,
            "why": _why(one, day, set_rules.excluded_roles),
            "fixed_reply": vocabulary().fixed_reply,
        },
    )


@open_page
@require_safe
def photo(request: HttpRequest, slug: str) -> HttpResponse:
    """Give an expert's photograph."""
    jpeg = bytes(photo_of(slug, today()).jpeg)
    headers = {"Cache-Control": "public, max-age=3600"}
    return HttpResponse(jpeg, content_type="image/jpeg", headers=headers)


def _conditions(one: Expert) -> list[Condition]:
    language = (get_language() or "en")[:2]
    return [
        Condition(name, slug if (language, slug) in pages() else "")
        for slug, name in one.condition_names
    ]


def _licenses(one: Expert, day: date) -> list[LicensedState]:
    allowed = set(video_states(one, day))
    held = [license for license in one.licenses.all() if license.state in allowed]
    return sorted(held, key=lambda license: license.name)


def _comments(rating: PublishedRating) -> Comments:
    shown = list(rating.shown_comments.order_by("pk"))
    left_out = [(count, str(Reason(reason).label)) for reason, count in rating.left_out.items()]
    readable = rating.comments - rating.waiting - sum(rating.left_out.values())
    return Comments(
        shown=shown,
        total=rating.comments,
        waiting=rating.waiting,
        left_out=left_out,
        too_few=0 if shown else readable,
    )


def _why(one: Expert, day: date, excluded: Collection[str]) -> str:
    """Say which part of the rules answers why an expert has no ratings."""
    if one.role in excluded:
        return "not-asked"
    return "new" if one.active_from > day - timedelta(days=180) else "too-few"


@open_page
@require_safe
def ratings(request: HttpRequest) -> HttpResponse:
    """Answer why there are no ratings, and how ratings are made."""
    roles = vocabulary().roles
    set_rules = current(RatingRules)
    return render(
        request,
        "directory/ratings.html",
        {
            "least": set_rules.least,
            "window": set_rules.window_days,
            "link_days": rules.LINK_DAYS,
            "again_days": rules.AGAIN_DAYS,
            "together": rules.TOGETHER,
            "length": rules.COMMENT_LENGTH,
            "not_asked": [roles[role].name for role in set_rules.excluded_roles],
            "reasons": [reason.label for reason in Reason],
        },
    )


@open_page
@require_safe
def program(request: HttpRequest) -> HttpResponse:
    """Show who is in the team, and the facts with their evidence."""
    day = today()
    counted = Counter(one.role for one in listed_experts(day))
    team = [(entry, counted[role]) for role, entry in vocabulary().roles.items() if counted[role]]
    return render(
        request,
        "directory/program.html",
        {
            "team": team,
            "facts": current_claims(Claim.Kind.FACT, day),
            "awards": current_claims(Claim.Kind.AWARD, day),
        },
    )
