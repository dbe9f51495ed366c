"""What comes right by itself after a fault: held files, owed mail; and what nobody needed."""

from __future__ import annotations

import uuid
from datetime import timedelta

from fault_portal import Site
from real_portal import Mail


def files_are_clean() -> str:
    """The worker's job looks again at what was held."""
    from django.db import connection
    from django.utils import timezone

    from hematon.portal.files.actions import rescan_held
    from hematon.portal.files.models import State, StoredFile

    connection.close()
    held = StoredFile.objects.filter(state=State.HELD).count()
    assert held, "no file was held"
    done = rescan_held(at=timezone.now())
    assert done["clean"] == held, done
    assert not StoredFile.objects.filter(state=State.HELD).exists()
    connection.close()
    return f"; {held} held file clean by the worker"


class Owed:
    """A mail that is owed before the fault, and that the worker's job tries while it lasts."""

    def __init__(self, mail: Mail) -> None:
        from django.utils import timezone

        from hematon.portal.accounts.models import User
        from hematon.portal.notify import actions
        from hematon.portal.notify.models import Kind

        self.mail, self.key, now = mail, f"proof:{uuid.uuid4().hex}", timezone.now()
        user = User.objects.filter(kind="family").first()
        assert user is not None
        actions.enqueue(key=self.key, kind=Kind.MESSAGE_WAITING, user=user, language="en", at=now)

    def is_not_sent(self, reason: str) -> None:
        """It is tried, stays owed, and its row says why."""
        from django.db import connection
        from django.utils import timezone

        from hematon.portal.notify import sending
        from hematon.portal.notify.models import Notice

        sending.send_due(timezone.now())
        notice = Notice.objects.get(key=self.key)
        connection.close()
        assert notice.sent_at is None, "a mail was stamped that nobody took"
        assert notice.reason == reason, f"the outbox says {notice.reason!r}"

    def goes_once(self) -> str:
        """It goes when its pause is over, and never again."""
        from django.db import connection

        from hematon.portal.notify import sending
        from hematon.portal.notify.models import Notice
        from hematon.portal.notify.texts import message_id

        notice = Notice.objects.get(key=self.key)
        assert notice.leased_until is not None
        for at in (notice.leased_until, notice.leased_until + timedelta(days=1)):
            sending.send_due(at + timedelta(seconds=1))
            notice.refresh_from_db()
            assert notice.sent_at is not None, f"it is still owed: {notice.reason!r}"
        connection.close()
        came = self.mail.ids.count(message_id(notice))
        assert came == 1, f"it came {came} times"
        return "; the owed mail went once"


def vendor_was_not_met(site: Site) -> str:
    """Every page about visits works, and none of them asked the vendor anything."""
    for path in ("/en/video-visits/", "/es/video-visits/", "/en/video-visits/device-test/"):
        status = site.browser().get(path).status
        assert status == 200, f"{path} answered {status}"
    met = site.wires["vendor"].met
    assert met == 0, f"{met} connections"
    return "; 0 connections to it"
