"""T-37: a mail that is owed is sent, by one worker, and never lost; what cannot go is shown."""

from __future__ import annotations

import os
import smtplib
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from pytest_django import Settings

from hematon.portal.accounts.models import Address, User
from hematon.portal.accounts.models import Kind as AccountKind
from hematon.portal.notify import access, actions, sending
from hematon.portal.notify.models import Kind, Notice, Reason
from hematon.portal.notify.texts import message_id
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import Retention
from hematon.portal.ui.upkeep import PURGES
from tool_modules import tool_module

smtp_sink = tool_module("smtp_sink")
AT = datetime(2026, 3, 14, 9, tzinfo=UTC)
ADDRESS = "parent@tests.invalid"
Signed = Callable[..., Client]

pytestmark = pytest.mark.django_db


@pytest.fixture
def family(db: None) -> User:
    """A family with a sealed address."""
    return User.objects.create_without_password(ADDRESS, AccountKind.FAMILY)


def owe(user: User, key: str = "message:1", **changes: Any) -> Notice:
    """Owe a mail and give its row."""
    given = {"kind": Kind.MESSAGE_WAITING, "language": "en", "at": AT, **changes}
    actions.enqueue(key=key, user=user, **given)
    return Notice.objects.get(key=key)


def recipients() -> list[str]:
    """Give who got mail, in order."""
    return [address for sent in mail.outbox for address in sent.to]


class Refusing:
    """A connection that fails as it is told, then works."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors, self.asked, self.closed = list(errors), 0, 0

    def send_messages(self, messages: list[Any]) -> int:
        """Fail or take them."""
        self.asked += 1
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        mail.outbox.extend(messages)
        return len(messages)

    def close(self) -> None:
        """Count."""
        self.closed += 1


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Refusing]:
    """Give a mail server that fails with these errors, one for each mail."""

    def make(*errors: Exception | None) -> Refusing:
        made = Refusing(*errors)
        monkeypatch.setattr(sending, "get_connection", lambda: made)
        return made

    return make


# --- owing -----------------------------------------------------------------------------------


def test_a_key_is_owed_once(family: User) -> None:
    """The same key again does nothing, before and after the mail has gone."""
    first = owe(family)
    again = owe(family, kind=Kind.REPORT_READY)
    assert (again.pk, again.kind) == (first.pk, Kind.MESSAGE_WAITING)
    assert sending.send_due(AT).sent == 1
    owe(family)
    assert sending.send_due(AT) == sending.Sent()
    assert recipients() == [ADDRESS]


def test_it_is_owed_with_what_it_tells_of_or_not_at_all(family: User) -> None:
    """T-37: the row is part of the caller's transaction."""
    with transaction.atomic():
        owe(family)
        transaction.set_rollback(True)
    assert not Notice.objects.exists()


def test_a_row_holds_no_address(family: User) -> None:
    """T-29: the outbox as it stands in the database has nothing of the person but the account."""
    owe(family)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM notify_notice")
        assert ADDRESS not in str(cursor.fetchall())


@pytest.mark.parametrize("key", ["", "a b", "a@b.invalid", "x" * 121, "a\nb", "Lucía"])
def test_a_key_is_made_of_codes(family: User, key: str) -> None:
    """What might be a name, an address or a text is refused by its shape."""
    with pytest.raises(ValueError, match="key"):
        owe(family, key=key)


def test_a_language_is_one_of_the_portals(family: User) -> None:
    """A mail in a language without texts would go out in another."""
    with pytest.raises(ValueError, match="language"):
        owe(family, language="fr")


def test_what_is_cancelled_does_not_go_and_can_be_owed_anew(family: User) -> None:
    """A visit that moves away and back keeps its reminder; what has gone cannot be called back."""
    owe(family, key="visit:1")
    assert actions.cancel(key="visit:1") is True
    assert actions.cancel(key="visit:1") is False
    assert sending.send_due(AT).sent == 0
    owe(family, key="visit:1")
    assert sending.send_due(AT).sent == 1
    assert actions.cancel(key="visit:1") is False
    assert Notice.objects.count() == 1


def test_states_that_contradict_each_other_cannot_be_stored(family: User) -> None:
    """Sent and failed, failed for no reason, settled without failing: the database refuses."""
    row = owe(family)
    for wrong in (
        {"sent_at": AT, "failed_at": AT, "reason": Reason.TOO_LATE},
        {"failed_at": AT},
        {"settled_at": AT},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Notice.objects.filter(pk=row.pk).update(**wrong)


# --- sending ---------------------------------------------------------------------------------


def test_staff_get_mail_at_their_open_address(family: User) -> None:
    """Each account is written to where it receives mail, looked up when it is sent."""
    staff = User.objects.create_user("one@tests.invalid")
    owe(staff, key="task:1", kind=Kind.STAFF_TASK)
    owe(family, key="task:2", at=AT + timedelta(seconds=1))
    address = Address.objects.get(user=family)
    address.text = "moved@tests.invalid"
    address.save()
    assert sending.send_due(AT + timedelta(minutes=1)).sent == 2
    assert recipients() == ["one@tests.invalid", "moved@tests.invalid"]


def test_nothing_goes_before_its_time(family: User) -> None:
    """And at its time it goes."""
    owe(family, not_before=AT + timedelta(days=2))
    assert sending.send_due(AT + timedelta(days=2, seconds=-1)).sent == 0
    assert sending.send_due(AT + timedelta(days=2)).sent == 1


def test_where_mail_is_off_everything_waits(family: User, settings: Settings) -> None:
    """T-37: a portal that is not set up for mail must not call a mail sent."""
    settings.MAIL_IS_ON = False
    row = owe(family)
    assert sending.send_due(AT) == sending.Sent()
    row.refresh_from_db()
    assert (row.attempts, row.sent_at) == (0, None)
    assert list(access.waiting(at=AT)) == [row]


def test_the_lease_is_kept_before_the_mail_goes(
    family: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the mail is under way the row is held, its try is counted, and nobody else finds it."""
    row = owe(family)
    seen = []

    def look(self: Any, messages: list[Any]) -> int:
        held = Notice.objects.get(pk=row.pk)
        seen.append((held.attempts, held.sent_at, list(access.due(at=AT + sending.LEASE / 2))))
        return 1

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", look)
    assert sending.send_due(AT).sent == 1
    assert seen == [(1, None, [])]


@pytest.mark.django_db(transaction=True)
def test_sending_inside_a_transaction_is_refused() -> None:
    """The lease would not be kept yet while the mail goes."""
    user = User.objects.create_without_password(ADDRESS, AccountKind.FAMILY)
    owe(user)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        sending.send_due(AT)
    assert mail.outbox == []


def test_a_worker_that_died_is_followed_by_another_with_the_same_message_id(family: User) -> None:
    """T-37: a lapsed lease goes again; the Message-ID lets mail programs drop the second copy."""
    row = owe(family)
    held = sending._lease(row.pk, AT)
    assert held is not None
    sending._send(held, mail.get_connection(), AT)
    # The worker dies here, before the stamp.
    assert sending.send_due(AT + sending.LEASE - timedelta(seconds=1)).sent == 0
    assert sending.send_due(AT + sending.LEASE).sent == 1
    ids = [sent.extra_headers["Message-ID"] for sent in mail.outbox]
    assert ids == [message_id(row)] * 2


def test_eight_tries_with_pauses_between_them_then_staff_see_it(
    family: User, failing: Callable[..., Refusing]
) -> None:
    """T-37: nothing is tried for ever, nothing is given up unseen."""
    row = owe(family)
    server = failing(*[smtplib.SMTPDataError(451, b"later")] * 20)
    now, pauses = AT, []
    for _ in range(7):
        assert sending.send_due(now) == sending.Sent(put_back=1)
        row.refresh_from_db()
        assert row.leased_until is not None
        pauses.append(row.leased_until - now)
        assert sending.send_due(row.leased_until - timedelta(seconds=1)) == sending.Sent()
        # The row's own time: passing seconds of the test are added to the pause.
        now = row.leased_until
    assert sending.send_due(now) == sending.Sent(failed=1)
    assert [round(pause / timedelta(minutes=1)) for pause in pauses] == [
        1,
        5,
        15,
        60,
        180,
        360,
        720,
    ]
    assert server.asked == sending.MOST_TRIES == 8
    assert sending.send_due(now + timedelta(days=9)) == sending.Sent()
    assert [(n.pk, n.reason, n.attempts) for n in access.failed()] == [
        (row.pk, Reason.SERVER_REFUSES, 8)
    ]


def test_a_notice_that_kills_its_worker_is_given_up_too(family: User) -> None:
    """Tries are counted before sending, so one bad row cannot kill workers for ever."""
    row, now = owe(family), AT
    for _ in range(8):
        assert sending._lease(row.pk, now) is not None
        now += sending.LEASE
    assert sending.send_due(now) == sending.Sent(failed=1)
    assert access.failed().get().reason == Reason.WORKER_ENDED
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (smtplib.SMTPServerDisconnected(), Reason.SERVER_SILENT),
        (smtplib.SMTPConnectError(421, b""), Reason.SERVER_SILENT),
        (smtplib.SMTPAuthenticationError(535, b""), Reason.SERVER_SILENT),
        (ConnectionRefusedError(), Reason.SERVER_SILENT),
        (TimeoutError(), Reason.SERVER_SILENT),
        (smtplib.SMTPDataError(554, b""), Reason.SERVER_REFUSES),
        (smtplib.SMTPRecipientsRefused({ADDRESS: (450, b"")}), Reason.ADDRESS_REFUSED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_may_pass_is_tried_again(
    family: User, failing: Callable[..., Refusing], error: Exception, reason: Reason
) -> None:
    """The reason of the latest try is kept; the next one works and clears it."""
    row = owe(family)
    server = failing(error)
    assert sending.send_due(AT) == sending.Sent(put_back=1)
    row.refresh_from_db()
    assert (row.reason, row.failed_at) == (reason, None)
    assert sending.send_due(AT + timedelta(minutes=2)) == sending.Sent(sent=1)
    row.refresh_from_db()
    assert (row.reason, row.attempts) == ("", 2)
    assert server.closed >= 2, "what is left of a broken conversation is not spoken into"


def test_a_dead_server_costs_one_notice_a_try_not_all(
    family: User, failing: Callable[..., Refusing]
) -> None:
    """A pass ends at what every other notice would meet as well."""
    for number in range(5):
        owe(family, key=f"message:{number}")
    server = failing(ConnectionRefusedError())
    assert sending.send_due(AT) == sending.Sent(put_back=1)
    assert server.asked == 1
    assert sending.send_due(AT) == sending.Sent(sent=4)


def _closed(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _without_address(user: User) -> None:
    Address.objects.filter(user=user).delete()


@pytest.mark.parametrize(
    ("change", "reason"),
    [(_closed, Reason.ACCOUNT_CLOSED), (_without_address, Reason.NO_ADDRESS)],
)
def test_what_cannot_pass_is_shown_at_once(
    family: User, change: Callable[[User], None], reason: Reason
) -> None:
    """An account that nobody can write to is not tried eight times."""
    owe(family)
    change(family)
    assert sending.send_due(AT) == sending.Sent(failed=1)
    assert access.failed().get().reason == reason
    assert mail.outbox == []


def test_a_refused_address_is_shown_at_once(family: User, failing: Callable[..., Refusing]) -> None:
    """The sooner somebody calls the family, the better."""
    owe(family)
    failing(smtplib.SMTPRecipientsRefused({ADDRESS: (550, b"no such user")}))
    assert sending.send_due(AT) == sending.Sent(failed=1)
    assert access.failed().get().reason == Reason.ADDRESS_REFUSED


def test_an_address_that_cannot_be_opened_holds_up_nobody_else(family: User) -> None:
    """T-32: a changed seal is refused and tried later; the next family gets its mail."""
    other = User.objects.create_without_password("other@tests.invalid", AccountKind.FAMILY)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_address SET text = %s WHERE user_id = %s", [b"changed", family.pk]
        )
    owe(family, key="message:1")
    owe(other, key="message:2")
    assert sending.send_due(AT) == sending.Sent(sent=1, put_back=1)
    assert recipients() == ["other@tests.invalid"]


@pytest.mark.parametrize(
    ("kind", "late"),
    [
        (Kind.VISIT_IN_TWO_HOURS, timedelta(minutes=90)),
        (Kind.VISIT_IN_TWO_DAYS, timedelta(hours=36)),
    ],
)
def test_a_reminder_that_is_no_longer_true_does_not_go(
    family: User, kind: Kind, late: timedelta
) -> None:
    """After an outage nobody is told of a visit that is over."""
    owe(family, key="visit:1", kind=kind)
    owe(family, key="visit:2", kind=kind, not_before=AT + timedelta(minutes=5))
    assert sending.send_due(AT + late + timedelta(minutes=1)) == sending.Sent(sent=1, failed=1)
    assert access.failed().get().reason == Reason.TOO_LATE


def test_a_pass_ends_by_number_and_by_time(family: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the worker comes back to its other jobs."""
    for number in range(5):
        owe(family, key=f"message:{number}")
    assert sending.send_due(AT, 2).sent == 2
    assert sending.send_due(AT, seconds=-1).sent == 0
    assert sending.send_due(AT).sent == 3


@pytest.mark.django_db(transaction=True)
def test_no_two_workers_lease_the_same_row() -> None:
    """T-37: eight workers, forty rows, on SQLite and PostgreSQL: each mail goes once."""
    family = User.objects.create_without_password(ADDRESS, AccountKind.FAMILY)
    for number in range(40):
        owe(family, key=f"message:{number}")
    together, sent, lock = threading.Barrier(8), [], threading.Lock()

    def work() -> None:
        try:
            together.wait()
            done = sending.send_due(AT)
            with lock:
                sent.append(done.sent)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == len(mail.outbox) == 40
    assert len({m.extra_headers["Message-ID"] for m in mail.outbox}) == 40
    assert set(Notice.objects.values_list("attempts", flat=True)) == {1}


def test_a_verdict_of_who_lost_the_lease_counts_for_nothing(family: User) -> None:
    """A worker that stood still longer than its lease does not disturb the one that followed."""
    row = owe(family)
    slow = sending._lease(row.pk, AT)
    fast = sending._lease(row.pk, AT + sending.LEASE)
    assert slow is not None
    assert fast is not None
    sending._put_back(slow, sending._NotSentError(Reason.NO_ADDRESS, final=True), AT)
    row.refresh_from_db()
    assert (row.failed_at, row.leased_until) == (None, fast.leased_until)


# --- to an address that the account has no more ------------------------------------------------

FORMER = "former@tests.invalid"


def test_a_former_address_is_sealed_and_goes_with_the_mail(
    family: User, failing: Callable[..., Refusing]
) -> None:
    """T-29, T-37: tried again as every mail, also for a closed account; then the row forgets it."""
    row = owe(family, kind=Kind.ACCOUNT_DELETED, address=FORMER)
    _closed(family)
    _without_address(family)
    failing(smtplib.SMTPDataError(451, b"later"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM notify_notice")
        assert FORMER.encode() not in b"".join(
            bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode()
            for v in cursor.fetchone()
        )
    assert sending.send_due(AT) == sending.Sent(put_back=1)
    assert sending.send_due(AT + timedelta(minutes=2)) == sending.Sent(sent=1)
    assert recipients() == [FORMER]
    row.refresh_from_db()
    assert row.address is None


def test_a_former_address_is_forgotten_when_the_mail_is_settled_or_old(
    family: User, failing: Callable[..., Refusing]
) -> None:
    """What was given up keeps it for staff who send it again, no longer than sent mail is kept."""
    failing(*[smtplib.SMTPRecipientsRefused({FORMER: (550, b"no such user")})] * 2)
    row = owe(family, kind=Kind.ADDRESS_CHANGED, address=FORMER)
    assert sending.send_due(AT) == sending.Sent(failed=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.filter(pk=row.pk).update(settled_at=AT)
    assert actions.settle(notice=row, by=family, at=AT)
    row.refresh_from_db()
    assert (row.address, row.settled_at) == (None, AT)
    owe(family, key="message:2", kind=Kind.ADDRESS_CHANGED, address=FORMER)
    assert sending.send_due(AT) == sending.Sent(failed=1)
    purge, days = PURGES["mail that was sent"].purge, current(Retention).mail_days
    assert purge(now=AT + timedelta(days=days, minutes=-1), dry=True) == 0
    assert purge(now=AT + timedelta(days=days, minutes=1), dry=False) == 2
    assert not Notice.objects.exists()


# --- over a real conversation ----------------------------------------------------------------


@pytest.fixture
def sink(settings: Settings) -> Iterator[Any]:
    """A mail server on this machine, and settings that name it."""
    with smtp_sink.running(smtp_sink.Sink()) as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.EMAIL_USE_TLS = False
        yield running


def test_a_mail_server_gets_each_mail_once(family: User, sink: Any) -> None:
    """Through Django's own SMTP, in one conversation; a refused one does not spoil the next."""
    other = User.objects.create_without_password("other@tests.invalid", AccountKind.FAMILY)
    sink.refusals[ADDRESS] = "550 no such user"
    owe(family, key="message:1")
    row = owe(other, key="message:2")
    assert sending.send_due(AT) == sending.Sent(sent=1, failed=1)
    assert sink.ids() == [message_id(row)]
    (to, sent) = sink.received[0]
    assert to == ("other@tests.invalid",)
    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent.get_content_type() == "text/plain"
    sink.answer = "451 later"
    owe(other, key="message:3")
    assert sending.send_due(AT) == sending.Sent(put_back=1)


def test_a_server_that_is_not_there_loses_nothing(
    family: User, sink: Any, settings: Settings
) -> None:
    """T-37: the mail goes when the server is back."""
    owe(family)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    assert sending.send_due(AT) == sending.Sent(put_back=1)
    settings.EMAIL_PORT = port
    assert sending.send_due(AT + timedelta(minutes=2)).sent == 1
    assert len(sink.received) == 1


def test_nothing_is_lost_when_workers_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """T-37: the short form of tools/prove_outbox.py; the long one has 500 rounds."""
    for name in list(os.environ):
        if name.startswith(("HEMATON_", "DJANGO_")):
            monkeypatch.delenv(name)
    done = subprocess.run(
        [sys.executable, smtp_sink.__file__.replace("smtp_sink", "prove_outbox"), "--rounds", "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 workers killed" in done.stdout


def test_demonstration_mail_is_a_file_for_its_owner_alone(
    family: User, settings: Settings, tmp_path: Path
) -> None:
    """One each, mode 0600 in a folder of mode 0700, and nothing half-written beside it."""
    settings.EMAIL_BACKEND = "hematon.portal.notify.files.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    first, second = owe(family, key="message:1"), owe(family, key="message:2")
    assert sending.send_due(AT).sent == 2
    files = sorted((tmp_path / "mail").iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    found = {message_from_bytes(file.read_bytes())["Message-ID"] for file in files}
    assert found == {message_id(first), message_id(second)}
