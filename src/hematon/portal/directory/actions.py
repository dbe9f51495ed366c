"""What can be done about reviews, comments and claims: one transaction each, with its audit row."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.directory import rules
from hematon.portal.directory.models import (
    Claim,
    Decision,
    Expert,
    Photo,
    PublishedComment,
    PublishedRating,
    Review,
    ReviewLink,
    SafetyConcern,
)
from hematon.portal.directory.moderation import Opinion, covered, settle
from hematon.portal.directory.vocabulary import vocabulary
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import RatingRules


class ActionRefusedError(Exception):
    """The rules do not allow it now; the message is fit to show."""


class LinkUsedError(ActionRefusedError):
    """The link has done its work."""


class LinkExpiredError(ActionRefusedError):
    """The link's time is over, or its expert is no longer rated."""


class TooSoonError(ActionRefusedError):
    """The family has reviewed this expert within the month."""


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _family_hash(family_key: str) -> str:
    return salted_hmac("hematon.directory.family", family_key, algorithm="sha256").hexdigest()


def mint_review_link(*, expert: Expert, family_key: str, visited_on: date, on: date) -> str:
    """Make the link for a completed visit at the clinic or by video.

    Args:
        expert: who saw the child.
        family_key: what tells this family from others; only a keyed hash of it is kept.
        visited_on: the day of the visit.
        on: today.

    Returns:
        The token of the link; it is kept nowhere.

    Raises:
        ActionRefusedError: the visit has not taken place, nobody is asked about this role, or the
            family has had a link for this expert within the month.
    """
    if visited_on > on:
        raise ActionRefusedError("The visit is not completed: its day is in the future.")
    with transaction.atomic():
        # Two links asked for at once must not both pass the rule of one a month.
        expert = Expert.objects.select_for_update().get(pk=expert.pk)
        if not expert.is_listed(on) or not expert.is_surveyed:
            raise ActionRefusedError("Nobody is asked to rate this expert: see their role.")
        family = _family_hash(family_key)
        recent = ReviewLink.objects.filter(
            expert=expert,
            family_hash=family,
            minted_on__gt=on - timedelta(days=rules.AGAIN_DAYS),
        )
        if recent.exists():
            raise TooSoonError(
                f"This family has had a link for this expert in the last {rules.AGAIN_DAYS} days."
            )
        token = secrets.token_urlsafe(24)
        link = ReviewLink.objects.create(
            expert=expert,
            token_hash=_token_hash(token),
            family_hash=family,
            minted_on=on,
            expires_on=on + timedelta(days=rules.LINK_DAYS),
        )
        record(None, "review_link.minted", link)
    return token


def link_of(token: str, on: date) -> ReviewLink | None:
    """Give the link of a token; None when there never was one.

    Raises:
        LinkUsedError: it was used.
        LinkExpiredError: it is too old, or its expert has left.
        TooSoonError: another link of the family for this expert was used within the month.
    """
    link: ReviewLink | None = (
        ReviewLink.objects.select_related("expert").filter(token_hash=_token_hash(token)).first()
    )
    if link is None:
        return None
    if link.used_on is not None:
        raise LinkUsedError
    expert = link.expert
    if on > link.expires_on or not expert.is_listed(on) or not expert.is_surveyed:
        raise LinkExpiredError
    used = ReviewLink.objects.filter(
        expert=expert,
        family_hash=link.family_hash,
        used_on__gt=on - timedelta(days=rules.AGAIN_DAYS),
    )
    if used.exists():
        raise TooSoonError
    return link


def send_review(
    *, token: str, score: int, explained: int, comment: str, language: str, on: date
) -> Review:
    """Take a family's review and use up its link.

    Raises:
        ActionRefusedError: the link does not work; which of its kinds says why.
    """
    comment = comment.strip()[: rules.COMMENT_LENGTH]
    with transaction.atomic():
        link = link_of(token, on)
        if link is None:
            raise LinkExpiredError
        # Only one of two that come at once finds the link unused.
        if not ReviewLink.objects.filter(pk=link.pk, used_on=None).update(used_on=on):
            raise LinkUsedError
        review = Review.keep(
            expert=link.expert,
            received_on=on,
            score=score,
            explained=explained,
            comment=comment,
            language=language,
            state=Review.State.WAITING if comment else Review.State.NONE,
        )
        record(None, "review.sent", review, commented=bool(comment))
        if tells_of_harm(comment):
            _open_concern(review, None, "words")
    return review


def tells_of_harm(comment: str) -> bool:
    """Say whether a comment holds a word that the care team must look at."""
    return any(
        re.search(rf"\b{re.escape(word)}\b", comment, re.IGNORECASE)
        for word in vocabulary().words_of_concern
    )


def _open_concern(review: Review, by: User | None, found_by: str) -> None:
    concern, made = SafetyConcern.objects.get_or_create(
        review=review, defaults={"found_by": found_by}
    )
    if made:
        record(by, "safety_concern.opened", concern, found_by=found_by)


def close_concern(*, concern: SafetyConcern, by: User) -> None:
    """Mark that the care team has looked into it.

    Raises:
        ActionRefusedError: someone else has closed it.
    """
    with transaction.atomic():
        closed = SafetyConcern.objects.filter(pk=concern.pk, closed_at=None).update(
            closed_at=timezone.now(), closed_by=by
        )
        if not closed:
            raise ActionRefusedError("Someone else has closed this task.")
        record(by, "safety_concern.closed", concern)


def decide(
    *,
    review: Review,
    by: User,
    reason: str,
    masks: Sequence[tuple[int, int]] = (),
    concern: bool = False,
) -> None:
    """Add one reader's decision; the second that agrees, or the third, settles it.

    Args:
        review: with a comment that waits.
        by: the reader.
        reason: one of the five to leave it out; empty to show it.
        masks: words to cover, as (start, end) in the comment.
        concern: whether it tells of harm.

    Raises:
        ActionRefusedError: it is settled, or this person has read it.
    """
    with transaction.atomic():
        review = Review.objects.select_for_update().get(pk=review.pk)
        if review.state != Review.State.WAITING:
            raise ActionRefusedError("Others have settled this comment.")
        try:
            with transaction.atomic():
                Decision.objects.create(
                    review=review, reader=by, reason=reason, masks=[] if reason else list(masks)
                )
        except IntegrityError as error:
            raise ActionRefusedError("You have read this comment. Another person must.") from error
        record(by, "comment.read", review, reason=reason or "show", masked=len(masks))
        if concern:
            _open_concern(review, by, "reader")
        opinions = [
            Opinion(d.reason, tuple((start, end) for start, end in d.masks))
            for d in review.decisions.order_by("pk")
        ]
        outcome = settle(opinions)
        if outcome is not None:
            review.state = Review.State.SHOWN if outcome.shown else Review.State.LEFT_OUT
            review.reason = outcome.reason
            review.masks = list(outcome.masks)
            review.save(update_fields=["state", "reason", "masks"])
            record(by, "comment.settled", review, reason=outcome.reason or "show")


@dataclass(frozen=True)
class Published:
    """What a monthly update did."""

    shown: int
    not_shown: int


def publish_ratings(*, on: date) -> Published:
    """Make the public ratings anew from the ratings that count today."""
    set_rules = current(RatingRules)
    least, window = set_rules.least, set_rules.window_days
    with transaction.atomic():
        PublishedRating.objects.all().delete()
        shown = not_shown = 0
        for expert in Expert.objects.prefetch_related("reviews"):
            counting = [
                review
                for review in expert.reviews.all()
                if rules.in_window(review.received_on, on, window)
            ]
            asked = expert.role not in set_rules.excluded_roles
            if not asked or not rules.shows(len(counting), least):
                not_shown += 1
                continue
            _publish(expert, counting, on, set_rules)
            shown += 1
        record(None, "ratings.published", shown=shown, not_shown=not_shown)
    return Published(shown, not_shown)


def _publish(expert: Expert, counting: Sequence[Review], on: date, set_rules: RatingRules) -> None:
    commented = [review for review in counting if review.state != Review.State.NONE]
    reasons = Counter(r.reason for r in commented if r.state == Review.State.LEFT_OUT)
    rating = PublishedRating.objects.create(
        expert=expert,
        updated_on=on,
        count=len(counting),
        stars_tenths=rules.stars_tenths([review.score for review in counting]),
        hidden_from=rules.hidden_from(
            [review.received_on for review in counting],
            set_rules.least,
            set_rules.window_days,
        ),
        comments=len(commented),
        waiting=sum(review.state == Review.State.WAITING for review in commented),
        left_out=dict(reasons),
    )
    readable = [review for review in commented if review.state == Review.State.SHOWN]
    if len(readable) < rules.TOGETHER:
        return
    # Within a month by the words themselves: the order in which they came tells nothing.
    readable.sort(key=lambda r: hashlib.sha256(r.comment.encode()).hexdigest())
    readable.sort(key=lambda r: r.received_on.replace(day=1), reverse=True)
    PublishedComment.objects.bulk_create(
        PublishedComment(
            rating=rating,
            month=review.received_on.replace(day=1),
            language=review.language,
            pieces=covered(review.comment, [(start, end) for start, end in review.masks]),
        )
        for review in readable
    )


def set_photo(*, expert: Expert, jpeg: bytes, alt_en: str, alt_es: str, by: User) -> None:
    """Put an expert's photograph in place of the one before."""
    with transaction.atomic():
        Photo.objects.update_or_create(
            expert=expert, defaults={"jpeg": jpeg, "alt_en": alt_en, "alt_es": alt_es}
        )
        record(by, "photo.set", expert)


def remove_photo(*, expert: Expert, by: User) -> None:
    """Take an expert's photograph away."""
    with transaction.atomic():
        Photo.objects.filter(expert=expert).delete()
        record(by, "photo.removed", expert)


def add_claim(*, by: User, **fields: object) -> Claim:
    """Add an award or a fact with its evidence and its last day."""
    with transaction.atomic():
        claim: Claim = Claim.objects.create(**fields)
        record(by, "claim.added", claim, kind=claim.kind)
    return claim


def withdraw_claim(*, claim: Claim, by: User) -> None:
    """Stop showing an award or a fact at once."""
    with transaction.atomic():
        Claim.objects.filter(pk=claim.pk).update(withdrawn=True)
        record(by, "claim.withdrawn", claim)
