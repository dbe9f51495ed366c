"""The opinion and what it rests on.

What is being written, every text it was, what was signed and who received it; and the assessments
of a case that were kept, with what clinicians said of them.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models

from hematon.portal.care.models import Case
from hematon.portal.clinic.models import Feedback
from hematon.portal.vault.fields import SealedBytes, SealedJSON, SealedText


class Opinion(models.Model):
    """The opinion on one case as it stands while it is written.

    Attributes:
        content: see `content.Content`; the latest of its revisions.
        revision: raised by each saving; a page from before it is refused.
        begun_by: who wrote first.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="opinion")
    content = SealedJSON(default=dict)
    revision = models.PositiveIntegerField(default=0)
    begun_at = models.DateTimeField()
    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    saved_at = models.DateTimeField()

    def __str__(self) -> str:
        """Name the row."""
        return str(self.pk)


class _OnlyAdded(models.Model):
    """Rows that are added and never changed; with their case they go."""

    class Meta:
        """No table of its own."""

        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add a row; one that is there stays as it is."""
        if not self._state.adding:
            raise TypeError("what was written down here is not changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: only a case at the end of its time takes it along."""
        raise TypeError("what was written down here is not deleted")


class Revision(_OnlyAdded):
    """One saved text of an opinion, kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    opinion = models.ForeignKey(Opinion, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    content = SealedJSON()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Each number once."""

        ordering = ("number",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("opinion", "number"), name="one_revision_per_number")
        ]

    def __str__(self) -> str:
        """Name the revision."""
        return f"revision {self.number}"


class SecondReading(_OnlyAdded):
    """Another clinician read one revision before it was signed. It holds for that text alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="readings")
    agrees = models.BooleanField()
    comment = SealedText(null=True)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Once a person."""

        ordering = ("at", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("revision", "by"), name="one_reading_per_person")
        ]

    def __str__(self) -> str:
        """Name the row."""
        return str(self.pk)


class Signed(_OnlyAdded):
    """A version as it was signed: words, document and the records that were read for it.

    Nothing of it is ever made anew: the document that a family opens is the one that was signed.

    Attributes:
        number: 1, then one more for each amendment.
        revision: the text that was signed.
        content: a copy of that text.
        replaces: the version that this one amends.
        reason: why it was amended.
        document: the report as PDF.
        document_hash: SHA-256 of it.
        packet: the FHIR Bundle of the case at that moment.
        packet_hash: SHA-256 of it.
        digest: SHA-256 over everything that was signed; the audit holds it too.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    opinion = models.ForeignKey(Opinion, on_delete=models.CASCADE, related_name="signed")
    number = models.PositiveIntegerField()
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="+")
    content = SealedJSON()
    replaces = models.OneToOneField(
        "self", null=True, on_delete=models.CASCADE, related_name="replaced_by"
    )
    reason = SealedText(null=True)
    document = SealedBytes()
    document_hash = models.CharField(max_length=64)
    packet = SealedBytes()
    packet_hash = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Versions follow each other: the first replaces nothing, each later one the one before."""

        ordering = ("number",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("opinion", "number"), name="one_version_per_number"),
            models.CheckConstraint(
                condition=models.Q(number=1, replaces=None, reason__isnull=True)
                | models.Q(number__gt=1, replaces__isnull=False, reason__isnull=False),
                name="an_amendment_names_what_it_replaces",
            ),
        ]

    def __str__(self) -> str:
        """Name the version."""
        return f"version {self.number}"

    @property
    def is_whole(self) -> bool:
        """Say whether words, document and records are those that were signed."""
        return (
            self.digest == self.digest_now()
            and self.document_hash == hashlib.sha256(self.document).hexdigest()
            and self.packet_hash == hashlib.sha256(self.packet).hexdigest()
        )

    def digest_now(self) -> str:
        """Give the digest of what the row holds."""
        said = [
            str(self.opinion_id),
            self.number,
            str(self.replaces_id or ""),
            self.reason or "",
            self.content,
            self.document_hash,
            self.packet_hash,
            self.at.isoformat(),
            self.by_id,
        ]
        written = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(written.encode()).hexdigest()


class Receiver(models.TextChoices):
    """Who may read a signed version."""

    FAMILY = "family", "The family"
    DOCTOR = "doctor", "The child's doctor"


class Release(_OnlyAdded):
    """A signed version was given out to one receiver; once, by the database's own rule.

    Attributes:
        user: the doctor's account; a family is whoever may see the child's opinions at the moment.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    signed = models.ForeignKey(Signed, on_delete=models.CASCADE, related_name="releases")
    to = models.CharField(max_length=10, choices=Receiver)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Once to each; a doctor is somebody."""

        ordering = ("at", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("signed", "to"), name="released_once_to_each"),
            models.CheckConstraint(
                condition=models.Q(to="family", user=None)
                | models.Q(to="doctor", user__isnull=False),
                name="a_doctor_is_somebody",
            ),
        ]

    def __str__(self) -> str:
        """Name the receiver."""
        return self.to


class Reading(_OnlyAdded):
    """Somebody outside opened a released version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="readings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        """The first opening of each person."""

        ordering = ("at", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("release", "by"), name="one_opening_per_person")
        ]

    def __str__(self) -> str:
        """Name the row."""
        return str(self.pk)


class Run(_OnlyAdded):
    """One assessment of a case, kept as it was made: all that went in and all that came out.

    One without `change` is of the record as it stood. One with it is a trial: one input was
    changed to see what moves. No run is part of the record, and the engine never reads one.

    Attributes:
        number: 1, 2, 3 within its case.
        changed_from: the run that a trial began with.
        change: what was changed, in words; see `trials.Change`.
        inputs: the record as the engine read it; see `runs.Record`.
        input_hash: the engine's own hash of it.
        engine: release of the software.
        knowledge: version of the clinical knowledge.
        fingerprint: hash of that knowledge.
        output: the assessment as JSON.
        output_hash: SHA-256 of it.
        document: the report as it was shown.
    """

    HEAVY: ClassVar = ("inputs", "output", "document")
    """Some 400 kB a run; lists leave them where they are."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    changed_from = models.ForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="trials"
    )
    change = SealedJSON(null=True)
    inputs = SealedBytes()
    input_hash = models.CharField(max_length=64)
    engine = models.CharField(max_length=40)
    knowledge = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    output = SealedBytes()
    output_hash = models.CharField(max_length=64)
    document = SealedBytes()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Each number once; a trial says what it changed, and from where."""

        ordering = ("number",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("case", "number"), name="one_run_per_number"),
            models.CheckConstraint(
                condition=models.Q(changed_from=None, change__isnull=True)
                | models.Q(changed_from__isnull=False, change__isnull=False),
                name="a_trial_says_what_it_changed",
            ),
        ]

    def __str__(self) -> str:
        """Name the run."""
        return f"run {self.number}"

    @property
    def is_whole(self) -> bool:
        """Say whether the output is the one that was kept."""
        return self.output_hash == hashlib.sha256(self.output).hexdigest()

    @property
    def said(self) -> Any:
        """Give the assessment as plain values."""
        return json.loads(self.output)


class About(models.TextChoices):
    """What of an assessment a clinician judges."""

    CAUSE = "cause", "A possible cause"
    URGENCY = "urgency", "The time to act"
    TEST = "test", "A suggested test"


class Judgement(_OnlyAdded):
    """A clinician agrees or disagrees with one item of a run.

    Kind, outcome and reason are codes and are counted over all cases. Which item it is and what
    was said about it tell of a child and are sealed.

    Attributes:
        item: code and name of what is judged, as the run showed it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="judgements")
    about = models.CharField(max_length=10, choices=About)
    item = SealedJSON()
    outcome = models.CharField(max_length=20, choices=Feedback.Outcome)
    reason = models.CharField(max_length=30, choices=Feedback.Reason, blank=True)
    comment = SealedText(null=True)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """In the order said; a disagreement has its reason."""

        ordering = ("at", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(outcome="accepted", reason="")
                | (models.Q(outcome="overridden") & ~models.Q(reason="")),
                name="a_judgement_against_has_a_reason",
            )
        ]

    def __str__(self) -> str:
        """Name the outcome."""
        return self.outcome
