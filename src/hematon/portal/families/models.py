"""Children, the adults linked to them, and every step of each link."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hematon.portal.families import matching
from hematon.portal.vault.fields import SealedDate, SealedText

NAME_MOST = 120
REASON_MOST = 500


class Relationship(models.TextChoices):
    """Who the person is to the child."""

    PARENT = "parent", _("Parent")
    GUARDIAN = "guardian", _("Legal guardian or foster parent")
    TRUSTED = "trusted", _("Trusted person chosen by an adult patient")
    PATIENT = "patient", _("I am the patient")


class Status(models.TextChoices):
    """Where a link stands. Staff alone read these."""

    REQUESTED = "requested", "Waiting"
    ACTIVE = "active", "Active"
    ENDED = "ended", "Ended"
    REFUSED = "refused", "Refused"


OPEN = (Status.REQUESTED, Status.ACTIVE)


class Granted(models.TextChoices):
    """The most that staff gave; the age rules may give less. Staff alone read these."""

    FULL = "full", "Everything the age rules allow"
    LIMITED = "limited", "What limited access leaves, at any age"


class Proof(models.TextChoices):
    """What staff saw before they confirmed. Staff alone read these."""

    BIRTH_CERTIFICATE = "birth_certificate", "Birth certificate naming the adult"
    COURT_ORDER = "court_order", "Court order or guardianship papers"
    RECORD = "record", "The hospital's own record names the adult"
    PATIENT_CONSENT = "patient_consent", "The adult patient's own consent"
    PHOTO_ID = "photo_id", "The patient's own identity document"


class Child(models.Model):
    """A child as an adult named it, or as staff matched it.

    The indexes follow the sealed values at every save; `find` is how they are asked.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = SealedText()
    birth_date = SealedDate()
    mrn = SealedText(null=True)
    state = models.CharField(max_length=2, blank=True)
    child_index = models.CharField(max_length=64, db_index=True)
    birth_index = models.CharField(max_length=64, db_index=True)
    record_index = models.CharField(max_length=64, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        """What the database itself refuses."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("record_index",),
                condition=~Q(record_index=""),
                name="one_child_per_record_of_the_hospital",
            )
        ]

    def __str__(self) -> str:
        """Name the row, not the child."""
        return str(self.pk)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the indexes with what they are made of."""
        self.child_index = matching.child_index(self.name, self.birth_date)
        self.birth_index = matching.birth_index(self.birth_date)
        self.record_index = matching.record_index(self.mrn or "")
        super().save(*args, **kwargs)


class Guardianship(models.Model):
    """One person's link to one child.

    Attributes:
        asked_by: who asked for it: the person, or another adult on the person's behalf.
        granted: the most that staff gave.
        proof_kind, proof: what staff saw, and the stored file if it was sent here.
        reason: why it stands as it does, in staff's or the family's words.
        expires_at: when it ends whatever the age rules say; none if they alone decide.
        override_until: until when it goes on past the last birthday, for a patient who cannot
            decide.
        locked_at: since when a dispute stops it.
        assented_at: when the child agreed to it.
        end_asked_at: when another adult or the patient asked staff to end it.
        due_at: by when a person answers the request.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="guardianships"
    )
    child = models.ForeignKey(Child, on_delete=models.PROTECT, related_name="guardianships")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    adult_name = SealedText()
    relationship = models.CharField(max_length=20, choices=Relationship)
    status = models.CharField(max_length=20, choices=Status, default=Status.REQUESTED)
    granted = models.CharField(max_length=20, choices=Granted, default=Granted.FULL)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    proof_kind = models.CharField(max_length=20, choices=Proof, blank=True)
    proof = models.UUIDField(null=True)
    reason = SealedText(null=True)
    language = models.CharField(max_length=5)
    requested_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)
    starts_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    override_until = models.DateTimeField(null=True)
    locked_at = models.DateTimeField(null=True)
    assented_at = models.DateTimeField(null=True)
    end_asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself refuses."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("user", "child"),
                condition=Q(status__in=["requested", "active"]),
                name="one_open_link_per_person_and_child",
            ),
            models.UniqueConstraint(
                fields=("child",),
                condition=Q(status="active", relationship="patient"),
                name="one_active_patient_per_child",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[s.value for s in Status])
                & Q(relationship__in=[r.value for r in Relationship])
                & Q(granted__in=[g.value for g in Granted]),
                name="guardianship_codes_are_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="active")
                | (Q(confirmed_by__isnull=False, starts_at__isnull=False) & ~Q(proof_kind="")),
                name="active_means_that_staff_saw_proof",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["ended", "refused"], ended_at__isnull=False)
                | Q(status__in=["requested", "active"], ended_at__isnull=True),
                name="closed_links_have_their_time",
            ),
        ]

    def __str__(self) -> str:
        """Name the row."""
        return str(self.pk)

    @property
    def is_patient(self) -> bool:
        """Say whether the person is the child itself."""
        return self.relationship == Relationship.PATIENT


class Step(models.TextChoices):
    """What was done to a link."""

    REQUESTED = "requested", "Asked for"
    CONFIRMED = "confirmed", "Confirmed"
    REFUSED = "refused", "Refused"
    ENDED = "ended", "Ended"
    LOCKED = "locked", "Stopped because of a dispute"
    UNLOCKED = "unlocked", "Dispute settled"
    OVERRIDDEN = "overridden", "Goes on past the last birthday"
    ASSENTED = "assented", "The patient agreed"
    UNASSENTED = "unassented", "The patient no longer agrees"
    END_ASKED = "end_asked", "Ending it was asked for"
    KEPT = "kept", "Kept, after ending it was asked for"


class LinkChange(models.Model):
    """One step of a link, with its reason. Rows are only ever added."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    link = models.ForeignKey(Guardianship, on_delete=models.PROTECT, related_name="changes")
    step = models.CharField(max_length=20, choices=Step)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = SealedText(null=True)

    class Meta:
        """In the order they happened."""

        ordering = ("at", "id")

    def __str__(self) -> str:
        """Name the step."""
        return f"{self.at:%Y-%m-%d %H:%M} {self.step}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add a row; one that is there stays as it is."""
        if not self._state.adding:
            raise TypeError("steps of a link are not changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("steps of a link are not deleted")
