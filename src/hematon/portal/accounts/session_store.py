"""Sessions, sealed: drafts, counts waiting to be sent, addresses waiting for a code, who is there.

The database holds no cookie and no word of a session. A row is found by a keyed hash of the cookie,
and its content is sealed to that row: what was changed, moved or copied from another session does
not open, and the browser that asks is simply not signed in. A rotation of keys reseals rows like
any other sealed value.
"""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.core.cache import cache
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from hematon.portal.accounts.models import StoredSession
from hematon.portal.audit.models import Outcome
from hematon.portal.audit.record import record
from hematon.portal.vault.sealing import SealBrokenError, blind_index

_ONCE_IN = 300
"""Seconds: a browser goes on asking with its cookie; one refusal is recorded."""
_log = logging.getLogger(__name__)


def row_of(session_key: str) -> str:
    """Give the key of the row that belongs to a cookie; it tells nothing about the cookie."""
    return blind_index(session_key, "accounts.session")


class SessionStore(SessionBase):
    """Django's engine for sessions; `settings.SESSION_ENGINE` names this module."""

    def load(self) -> dict[str, Any]:
        """Give what belongs to the cookie; nothing where it is over, unknown or does not open."""
        row = None
        if self.session_key:
            rows = StoredSession.objects.filter(ends_at__gt=timezone.now())
            row = rows.filter(pk=row_of(self.session_key)).first()
        if row is not None:
            try:
                return dict(self.serializer().loads(row.content))
            except SealBrokenError as error:
                _refused(error)
        # Whatever is put in from here on belongs to a cookie that the browser did not choose.
        self._session_key = None
        return {}

    def exists(self, session_key: str) -> bool:
        """Say whether a cookie is taken."""
        return StoredSession.objects.filter(pk=row_of(session_key)).exists()

    def create(self) -> None:
        """Begin a session under a new cookie."""
        while True:
            # Django's own for stores; its stubs leave out what begins with an underscore.
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Seal and keep it.

        Raises:
            CreateError: the cookie is taken.
            UpdateError: the session was ended in the meantime.
        """
        if self.session_key is None:
            return self.create()
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # as above
        row = StoredSession(
            pk=row_of(self.session_key),
            content=self.serializer().dumps(data),
            ends_at=self.get_expiry_date(),
        )
        try:
            with transaction.atomic():
                row.save(force_insert=must_create, force_update=not must_create)
        except IntegrityError:
            if must_create:
                raise CreateError from None
            raise
        except DatabaseError:
            if not must_create and not self.exists(self.session_key):
                raise UpdateError from None
            raise

    def delete(self, session_key: str | None = None) -> None:
        """End a session: its cookie opens nothing any more."""
        session_key = session_key or self.session_key
        if session_key:
            StoredSession.objects.filter(pk=row_of(session_key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        """Delete what is over."""
        StoredSession.objects.filter(ends_at__lt=timezone.now()).delete()


def _refused(error: SealBrokenError) -> None:
    """Put on record that a session was changed; the vault has raised its alarm in the log."""
    try:
        if cache.add(f"session-refused-{error.place}", 1, _ONCE_IN):
            record(None, "vault.refused", outcome=Outcome.FAILED, place=error.place)
    except DatabaseError:
        _log.exception("a broken seal could not be recorded")
