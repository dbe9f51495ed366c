"""The doors to the directory's rows: what families may see, and what staff work on."""

from __future__ import annotations

from datetime import date

from django.db.models import Count, F, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from hematon.portal.accounts.models import User
from hematon.portal.directory.models import (
    Claim,
    Expert,
    Photo,
    PublishedRating,
    Review,
    RosterUpload,
    SafetyConcern,
)
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import RatingRules
from hematon.portal.ui.site import site


def today() -> date:
    """Give the date where the programme is."""
    return timezone.now().astimezone(site().zone).date()


def listed_experts(day: date) -> QuerySet[Expert]:
    """Give the experts that families may see, by name and never by rating."""
    return (
        Expert.objects.filter(
            Q(active_to=None) | Q(active_to__gte=day), active=True, active_from__lte=day
        )
        .order_by("family_name", "given_names", "slug")
        .select_related("photo")
        .defer("photo__jpeg")
        .prefetch_related("licenses")
    )


def listed_expert(slug: str, day: date) -> Expert:
    """Give one expert that families may see.

    Raises:
        Http404: there is none, or no longer.
    """
    found = listed_experts(day).filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


def photo_of(slug: str, day: date) -> Photo:
    """Give the photograph of an expert that families may see.

    Raises:
        Http404: there is none.
    """
    found = Photo.objects.filter(expert__in=listed_experts(day).filter(slug=slug)).first()
    if found is None:
        raise Http404
    return found


def expert_of_roster(slug: str) -> Expert:
    """Give one expert of the roster, former members included.

    Raises:
        Http404: there is none.
    """
    found = every_expert().filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


def every_expert() -> QuerySet[Expert]:
    """Give the whole roster, former members included."""
    return Expert.objects.order_by("slug").prefetch_related("licenses")


def published_rating(expert: Expert, day: date) -> PublishedRating | None:
    """Give the ratings that show; None while too few count or nobody is asked."""
    found: PublishedRating | None = PublishedRating.objects.filter(expert=expert).first()
    if found is None or day >= found.hidden_from:
        return None
    set_rules = current(RatingRules)
    asked = expert.role not in set_rules.excluded_roles
    return found if asked and found.count >= set_rules.least else None


def waiting_for(reader: User) -> QuerySet[Review]:
    """Give the comments that this person has still to read, longest waiting first.

    A comment that two people read differently waits for a third.
    """
    return (
        Review.objects.filter(state=Review.State.WAITING)
        .exclude(decisions__reader=reader)
        .annotate(readings=Count("decisions"))
        .select_related("expert", "words")
        # The score plays no part in reading a comment, so readers do not get it.
        .defer("score", "explained")
        .order_by("received_on", "pk")
    )


def comment_to_read(reader: User, pk: int) -> Review:
    """Give one comment that this person has still to read.

    Raises:
        Http404: there is none, it is settled, or this person has read it.
    """
    found = waiting_for(reader).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def safety_concerns() -> QuerySet[SafetyConcern]:
    """Give the tasks, open ones first, oldest first."""
    return SafetyConcern.objects.select_related(
        "review__expert", "review__words", "closed_by"
    ).order_by(F("closed_at").asc(nulls_first=True), "opened_at")


def open_concern(pk: int) -> SafetyConcern:
    """Give one open task.

    Raises:
        Http404: there is none, or it is closed.
    """
    found = safety_concerns().filter(pk=pk, closed_at=None).first()
    if found is None:
        raise Http404
    return found


def claims() -> QuerySet[Claim]:
    """Give every award and fact, the latest to expire first."""
    return Claim.objects.order_by("withdrawn", "-valid_to", "pk")


def claim(pk: int) -> Claim:
    """Give one award or fact.

    Raises:
        Http404: there is none.
    """
    found = claims().filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def current_claims(kind: str, day: date) -> QuerySet[Claim]:
    """Give what may be said today."""
    return Claim.objects.filter(kind=kind, withdrawn=False, valid_to__gte=day).order_by("pk")


def own_upload(user: User) -> RosterUpload:
    """Give the roster this person has uploaded and not yet applied.

    Raises:
        Http404: there is none.
    """
    found = RosterUpload.objects.filter(by=user).first()
    if found is None:
        raise Http404
    return found
