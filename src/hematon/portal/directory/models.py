"""Experts, what families said of them, and what the programme may claim."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction

from hematon.portal.directory.moderation import Reason
from hematon.portal.directory.vocabulary import credentials, is_surveyed, named, vocabulary
from hematon.portal.vault.fields import SealedText


class Expert(models.Model):
    """Someone of the programme whom families can find. Lists hold codes of the vocabulary."""

    slug = models.SlugField(max_length=60, unique=True)
    given_names = models.CharField(max_length=100)
    family_name = models.CharField(max_length=100)
    credentials = models.JSONField(default=list)
    role = models.CharField(max_length=40)
    specialties = models.JSONField(default=list)
    conditions = models.JSONField(default=list)
    languages = models.JSONField(default=list)
    locations = models.JSONField(default=list)
    pronouns = models.CharField(max_length=20, blank=True)
    education = models.JSONField(default=list)
    npi = models.CharField(max_length=10, blank=True)
    telehealth = models.BooleanField(default=False)
    accepting_new = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    active_from = models.DateField()
    active_to = models.DateField(null=True, blank=True)

    class Meta:
        """An NPI belongs to one person."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("npi",), condition=~models.Q(npi=""), name="one_expert_per_npi"
            )
        ]

    def __str__(self) -> str:
        """Name the expert."""
        return self.name

    @property
    def name(self) -> str:
        """The name as families read it."""
        return f"{self.given_names} {self.family_name}"

    def is_listed(self, today: date) -> bool:
        """Say whether families may see the entry."""
        ended = self.active_to is not None and self.active_to < today
        return self.active and self.active_from <= today and not ended

    @property
    def is_surveyed(self) -> bool:
        """Whether families are asked to rate people in this role."""
        return is_surveyed(self.role)

    @property
    def role_name(self) -> str:
        """The role in the page's language."""
        entry = vocabulary().roles.get(self.role)
        return str(entry.name) if entry else ""

    @property
    def role_does(self) -> str:
        """What someone in the role does, in the page's language."""
        entry = vocabulary().roles.get(self.role)
        return str(entry.does) if entry else ""

    @property
    def explained_credentials(self) -> list[tuple[str, str]]:
        """The letters after the name, each with its meaning."""
        known = credentials()
        return [(letters, str(known.get(letters, ""))) for letters in self.credentials]

    @property
    def specialty_names(self) -> list[str]:
        """Specialties in the page's language."""
        return named(vocabulary().specialties, self.specialties)

    @property
    def language_names(self) -> list[str]:
        """Languages spoken, in the page's language."""
        return named(vocabulary().languages, self.languages)

    @property
    def condition_names(self) -> list[tuple[str, str]]:
        """Conditions treated: page and name in the page's language."""
        known = vocabulary().conditions
        return [(slug, str(known[slug])) for slug in self.conditions if slug in known]

    @property
    def pronoun_words(self) -> str:
        """Pronouns in the page's language."""
        entry = vocabulary().pronouns.get(self.pronouns)
        return str(entry) if entry else ""


class LicensedState(models.Model):
    """A state in which an expert may see children by video, until its license expires."""

    expert = models.ForeignKey(Expert, on_delete=models.CASCADE, related_name="licenses")
    state = models.CharField(max_length=2)
    expires = models.DateField()

    class Meta:
        """One license in each state."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=("expert", "state"), name="one_license_per_state")
        ]

    def __str__(self) -> str:
        """Name the state."""
        return self.state

    @property
    def name(self) -> str:
        """The state in the page's language."""
        entry = vocabulary().states.get(self.state)
        return str(entry) if entry else self.state


class Photo(models.Model):
    """An expert's photograph with what it shows in words."""

    expert = models.OneToOneField(Expert, on_delete=models.CASCADE, related_name="photo")
    jpeg = models.BinaryField()
    alt_en = models.CharField(max_length=160)
    alt_es = models.CharField(max_length=160)

    def __str__(self) -> str:
        """Say what it shows."""
        return self.alt_en


class RosterUpload(models.Model):
    """A roster read and compared, waiting to be applied; one for each person."""

    by = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="roster_upload"
    )
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=4, choices=(("csv", "CSV"), ("fhir", "FHIR Bundle")))
    text = models.TextField()
    seen = models.CharField(max_length=64)
    """Fingerprint of the roster that the comparison was made with."""

    def __str__(self) -> str:
        """Name the upload."""
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}"


class ReviewLink(models.Model):
    """A link that lets one family review one expert once. Holds neither the link nor the family."""

    expert = models.ForeignKey(Expert, on_delete=models.CASCADE, related_name="review_links")
    token_hash = models.CharField(max_length=64, unique=True)
    family_hash = models.CharField(max_length=64, db_index=True)
    minted_on = models.DateField()
    expires_on = models.DateField()
    used_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        """Say when it was made."""
        return f"{self.minted_on}"


class Review(models.Model):
    """What a family said. Nothing in it leads back to the family or the link."""

    class State(models.TextChoices):
        """Where the comment stands."""

        NONE = "none", "No comment"
        WAITING = "waiting", "Waiting for readers"
        SHOWN = "shown", "May be shown"
        LEFT_OUT = "left_out", "Left out"

    expert = models.ForeignKey(Expert, on_delete=models.CASCADE, related_name="reviews")
    received_on = models.DateField()
    score = models.PositiveSmallIntegerField()
    explained = models.PositiveSmallIntegerField()
    language = models.CharField(max_length=2)
    state = models.CharField(max_length=10, choices=State)
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    masks = models.JSONField(default=list)

    class Meta:
        """The scales of the questions; a comment left out has one of the reasons."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(score__range=(0, 10), explained__range=(1, 5)),
                name="review_scales",
            ),
            models.CheckConstraint(
                condition=models.Q(state="left_out", reason__in=Reason.values)
                | (~models.Q(state="left_out") & models.Q(reason="")),
                name="left_out_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        """Name the review by its number."""
        return f"review {self.pk}"

    @classmethod
    @transaction.atomic
    def keep(cls, *, comment: str, **values: Any) -> Review:
        """Save a review, and its comment beside it, sealed."""
        review = cls.objects.create(**values)
        if comment:
            Words.objects.create(review=review, text=comment)
        return review

    @property
    def comment(self) -> str:
        """Give what the family wrote; empty when it wrote nothing."""
        try:
            return str(self.words.text)
        except Words.DoesNotExist:
            return ""


class Words(models.Model):
    """What a family wrote in its review: sealed, because it can name a child until it was read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    review = models.OneToOneField(Review, on_delete=models.CASCADE, related_name="words")
    text = SealedText()

    def __str__(self) -> str:
        """Name the review it belongs to."""
        return f"words of review {self.review_id}"


class Decision(models.Model):
    """What one reader decided about a comment; only ever added."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="decisions")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    masks = models.JSONField(default=list)

    class Meta:
        """A person reads a comment once."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=("review", "reader"), name="one_decision_per_reader")
        ]

    def __str__(self) -> str:
        """Say what was decided."""
        return self.reason or "show"


class SafetyConcern(models.Model):
    """A task for the care team: a comment may tell of harm to a child."""

    review = models.OneToOneField(Review, on_delete=models.CASCADE, related_name="concern")
    opened_at = models.DateTimeField(auto_now_add=True)
    found_by = models.CharField(max_length=10, choices=(("words", "Words"), ("reader", "Reader")))
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        """A closed task says who closed it."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(closed_at=None, closed_by=None)
                | models.Q(closed_at__isnull=False, closed_by__isnull=False),
                name="closed_concern_says_by_whom",
            )
        ]

    def __str__(self) -> str:
        """Name the task by its review."""
        return f"safety concern of review {self.review_id}"


class PublishedRating(models.Model):
    """What the public page says of an expert's ratings, as of the latest monthly update."""

    expert = models.OneToOneField(Expert, on_delete=models.CASCADE, related_name="published")
    updated_on = models.DateField()
    count = models.PositiveIntegerField()
    stars_tenths = models.PositiveSmallIntegerField()
    hidden_from = models.DateField()
    """First day on which fewer than the least number of these ratings count."""
    comments = models.PositiveIntegerField()
    waiting = models.PositiveIntegerField()
    left_out = models.JSONField(default=dict)
    """Number of comments left out, by reason."""

    def __str__(self) -> str:
        """Say when it was made."""
        return f"{self.updated_on}"

    @property
    def stars(self) -> str:
        """The mean with one decimal."""
        return f"{self.stars_tenths // 10}.{self.stars_tenths % 10}"


class PublishedComment(models.Model):
    """A comment as families read it: month, language and words, covered where they must be."""

    rating = models.ForeignKey(
        PublishedRating, on_delete=models.CASCADE, related_name="shown_comments"
    )
    month = models.DateField()
    language = models.CharField(max_length=2)
    pieces = models.JSONField()
    """Texts in order; null stands for words covered."""

    def __str__(self) -> str:
        """Say of which month."""
        return f"{self.month:%Y-%m}"


class Claim(models.Model):
    """Something the programme may say about itself while its evidence is valid."""

    class Kind(models.TextChoices):
        """An award from others, or a fact about the programme."""

        AWARD = "award", "Award"
        FACT = "fact", "Fact"

    kind = models.CharField(max_length=5, choices=Kind)
    issuer = models.CharField(max_length=120)
    title_en = models.CharField(max_length=160)
    title_es = models.CharField(max_length=160)
    scope_en = models.CharField(max_length=200)
    scope_es = models.CharField(max_length=200)
    edition = models.CharField(max_length=40)
    evidence = models.URLField(max_length=300)
    valid_to = models.DateField()
    withdrawn = models.BooleanField(default=False)

    def __str__(self) -> str:
        """Give the title."""
        return self.title_en

    def is_current(self, today: date) -> bool:
        """Say whether it may be shown."""
        return not self.withdrawn and today <= self.valid_to
