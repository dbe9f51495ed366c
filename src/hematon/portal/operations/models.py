"""What the worker did last: one row for each job."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q


class JobRun(models.Model):
    """The latest run of one job of `worker.JOBS`.

    `leased_until` is set while a worker runs it; a worker that was killed leaves it to lapse.
    """

    name = models.CharField(max_length=40, primary_key=True)
    started_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    """In a row, up to now; 0 after a success."""

    class Meta:
        """What was never begun did not succeed."""

        constraints: ClassVar = [
            models.CheckConstraint(
                name="job_succeeded_after_starting",
                condition=Q(succeeded_at=None) | Q(started_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        """Name the job."""
        return self.name
