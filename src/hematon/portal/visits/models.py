"""Opening rules, times, visits and what families agreed to. Instants are in UTC."""

from __future__ import annotations

import secrets
import uuid
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from hematon.portal.directory.models import Expert
from hematon.portal.vault.fields import SealedText
from hematon.portal.visits.opening import Opening


class VisitKind(models.TextChoices):
    """How family and clinician meet."""

    VIDEO = "video", _("Video visit")
    IN_PERSON = "in-person", _("Visit at the clinic")
    PHONE = "phone", _("Phone call")


class Rule(models.Model):
    """When a clinician is open, by the clock on the clinic's wall."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinician = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="opening_rules")
    weekdays = models.JSONField()
    """0 is Monday."""
    opens = models.TimeField()
    closes = models.TimeField()
    zone = models.CharField(max_length=60)
    first_day = models.DateField()
    last_day = models.DateField(null=True)
    every_weeks = models.PositiveSmallIntegerField(default=1)
    minutes = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=VisitKind)
    interpreter_hours = models.PositiveSmallIntegerField(default=48)
    """How long before a visit an interpreter must be asked for."""
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        """A day's opening begins before it ends."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(opens__lt=models.F("closes")), name="rule_opens_before_it_closes"
            ),
            models.CheckConstraint(
                condition=models.Q(every_weeks__gte=1, minutes__gte=5), name="rule_goes_forward"
            ),
        ]

    def __str__(self) -> str:
        """Say when and for whom."""
        return f"{self.clinician} {self.opens:%H:%M} to {self.closes:%H:%M} {self.zone}"

    @property
    def opening_zone(self) -> ZoneInfo:
        """The zone of its wall times."""
        return ZoneInfo(self.zone)

    @property
    def opening(self) -> Opening:
        """The rule as `opening` reads it."""
        return Opening(
            weekdays=self.weekdays,
            opens=self.opens,
            closes=self.closes,
            zone=self.zone,
            first_day=self.first_day,
            last_day=self.last_day,
            every_weeks=self.every_weeks,
            minutes=self.minutes,
        )


class Closure(models.Model):
    """Days on which a clinician, or everyone, is closed whatever the rules say."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinician = models.ForeignKey(
        Expert, null=True, on_delete=models.PROTECT, related_name="closures"
    )
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        """Days in their order."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(first_day__lte=models.F("last_day")), name="closure_has_days"
            )
        ]

    def __str__(self) -> str:
        """Say when."""
        return f"{self.first_day} to {self.last_day}"


class SlotState(models.TextChoices):
    """Where a time stands."""

    FREE = "free", "Free"
    HELD = "held", "Held"
    BOOKED = "booked", "Booked"
    CLOSED = "closed", "Closed"


class Slot(models.Model):
    """One time of a clinician."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="slots")
    clinician = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="slots")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=VisitKind)
    interpreter_hours = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=SlotState, default=SlotState.FREE)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    held_since = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)

    class Meta:
        """A rule gives a time once; what is held says by whom and until when."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("rule", "starts_at"), name="one_slot_per_rule_and_time"
            ),
            models.CheckConstraint(
                condition=models.Q(starts_at__lt=models.F("ends_at")), name="slot_has_a_length"
            ),
            models.CheckConstraint(
                condition=models.Q(state="held", held_by__isnull=False, held_until__isnull=False)
                | (~models.Q(state="held") & models.Q(held_by=None, held_until=None)),
                name="held_slot_says_by_whom",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=("clinician", "starts_at"), name="slot_of_clinician"),
            models.Index(fields=("state", "starts_at"), name="slot_by_state"),
        ]

    def __str__(self) -> str:
        """Say when."""
        return f"{self.starts_at:%Y-%m-%dT%H:%MZ}"

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's zone."""
        return ZoneInfo(self.rule.zone)

    @property
    def offset_minutes(self) -> int:
        """How far the clinic's clock is from UTC then."""
        offset = self.starts_at.astimezone(self.zone).utcoffset()
        return int(offset.total_seconds()) // 60 if offset else 0


class Taken(models.Model):
    """Five minutes of a clinician or of a child; nobody is in two places at once.

    The unique constraint is what holds off a second visit across rules, kinds and lengths.
    """

    slot = models.ForeignKey(Slot, on_delete=models.CASCADE, related_name="taken")
    whom = models.CharField(max_length=60)
    tick = models.PositiveIntegerField()

    class Meta:
        """Once each."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=("whom", "tick"), name="nobody_is_in_two_places")
        ]

    def __str__(self) -> str:
        """Name the five minutes."""
        return f"{self.whom} {self.tick}"


class Status(models.TextChoices):
    """Where a visit stands. Pending: the time is the family's, an interpreter is being found."""

    PENDING = "pending", _("Booked. We are finding an interpreter")
    BOOKED = "booked", _("Booked")
    CANCELLED = "cancelled", _("Cancelled")
    COMPLETED = "completed", _("Completed")
    NO_SHOW = "no_show", _("Did not take place")


LIVE = (Status.PENDING, Status.BOOKED)
"""The visit is still to come, or is under way."""
TRANSITIONS: dict[str, frozenset[str]] = {
    Status.PENDING: frozenset({Status.BOOKED, Status.CANCELLED, Status.COMPLETED, Status.NO_SHOW}),
    Status.BOOKED: frozenset({Status.CANCELLED, Status.COMPLETED, Status.NO_SHOW}),
    Status.CANCELLED: frozenset(),
    Status.COMPLETED: frozenset(),
    Status.NO_SHOW: frozenset(),
}


def new_room() -> str:
    """Draw the name of a video room: 128 random bits."""
    return secrets.token_hex(16)


class Appointment(models.Model):
    """A visit of a child.

    `child_id` is a `families.Child`, `case_id` a `care.Case`. `room` names the video room; a way
    into it is made at each click and kept nowhere.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="appointments")
    child_id = models.UUIDField(db_index=True)
    guardian = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    case_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=10, choices=VisitKind)
    page_language = models.CharField(max_length=5)
    language = models.CharField(max_length=20)
    other_language = SealedText()
    interpreter = models.BooleanField()
    location_state = models.CharField(max_length=2)
    status = models.CharField(max_length=20, choices=Status)
    with_whom = SealedText()
    phone = SealedText()
    note = SealedText()
    room = SealedText(default=new_room)
    sequence = models.PositiveIntegerField(default=0)
    """Rises with each change that a calendar must hear of."""
    made_at = models.DateTimeField()

    class Meta:
        """A time has one visit, besides those that were cancelled."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("slot",), condition=~models.Q(status="cancelled"), name="one_visit_per_slot"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=[s.value for s in Status]),
                name="visit_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        """Name the row, not the child."""
        return str(self.pk)

    @property
    def is_live(self) -> bool:
        """Whether the visit is still to take place."""
        return self.status in LIVE


class VisitStep(models.Model):
    """One change of a visit; rows are only ever added."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="steps")
    status = models.CharField(max_length=20, choices=Status)
    starts_at = models.DateTimeField()
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        """Name the step."""
        return f"{self.at:%Y-%m-%d %H:%M} {self.status}"


class Signer(models.TextChoices):
    """Who agrees to visits by video."""

    PARENT = "parent", _("Parent")
    GUARDIAN = "guardian", _("Legal guardian or foster parent")
    PATIENT = "patient", _("I am the patient, and an adult")


class VideoConsent(models.Model):
    """That a guardian agreed to visits by video: to which words, in which language, and when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    child_id = models.UUIDField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = SealedText()
    relationship = models.CharField(max_length=20, choices=Signer)
    text_version = models.CharField(max_length=20)
    language = models.CharField(max_length=5)
    at = models.DateTimeField()

    class Meta:
        """Looked up by child and person."""

        indexes: ClassVar = [models.Index(fields=("child_id", "by"), name="consent_of_child")]

    def __str__(self) -> str:
        """Name the words agreed to."""
        return self.text_version


class JoinAnswer(models.Model):
    """Where the child was, and who was there, as the family said when it joined."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="joins")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10)
    with_whom = SealedText()
    fits = models.BooleanField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        """Name the row."""
        return str(self.pk)
