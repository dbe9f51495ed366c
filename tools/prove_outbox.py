"""Workers and writers are killed in the middle, over and over; every mail that was owed arrives.

    python tools/prove_outbox.py                      500 rounds, some minutes
    python tools/prove_outbox.py --rounds 20          the short form
    python tools/with_postgres.py python tools/prove_outbox.py

In each round writers owe mail and note it when the database has said yes, workers send it to a mail
server on this machine, and all of them are ended with SIGKILL, after one to fourteen mails and up
to ten milliseconds. At the end one worker finishes in peace. Then (T-37; docs/decisions/0028):

    every mail that a writer noted, and no other, was received; each Message-ID stands for one row;
    no row waits, none was given up;
    a Message-ID came again only because a worker was killed between the server's yes and the stamp:
    never more often than workers were killed with a mail in their hands.

The mail server keeps what it got before it says yes, and takes two milliseconds for it. Leases are
shortened from ten minutes to five seconds, so that the next rounds meet them lapsed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import smtp_sink

WORKERS, WRITERS, MOST_PER_WRITER = 3, 2, 4
LEASE = timedelta(seconds=5)
SLOW_SECONDS = 0.002
MAIL_BYTES = len("<00000000-0000-4000-8000-000000000000@localhost>\n")
MOST_MAILS = 14
"""Kills come after one to so many mails of a round."""


def run_sink(file: Path) -> None:
    """Be the mail server until the standard input closes; print the port first."""
    out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sink = smtp_sink.Sink(slow=SLOW_SECONDS)

    def keep(content: bytes) -> None:
        """Write the Message-ID down, MAIL_BYTES long."""
        head = content.partition(b"\r\n\r\n")[0].split(b"\r\n")
        (named,) = [line for line in head if line.startswith(b"Message-ID: ")]
        os.write(out, named.removeprefix(b"Message-ID: ") + b"\n")

    sink.keep = keep
    with smtp_sink.running(sink):
        print(sink.port, flush=True)
        sys.stdin.read()


@contextmanager
def mail_server(file: Path) -> Iterator[int]:
    """Run the mail server as a process and give its port."""
    command = [sys.executable, __file__, "--sink", str(file)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(timeout=30)


def forked(do: Callable[[], None]) -> int:
    """Run something in a process of its own and give its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        do()
        code = 0
    finally:
        os._exit(code)


def wait_for_size(file: Path, size: int, *, seconds: float) -> None:
    """Wait until a file is that large, or the time is over."""
    end = time.monotonic() + seconds
    while file.stat().st_size < size and time.monotonic() < end:
        time.sleep(0.001)


def worker() -> None:
    """Send what is due, for ever."""
    from django.utils import timezone

    from hematon.portal.notify.sending import send_due

    while True:
        if not send_due(timezone.now()).sent:
            time.sleep(0.005)


def writer(user_pk: int, noted: Path) -> None:
    """Owe some mail, each noted when it is kept."""
    from django.db import transaction
    from django.utils import timezone

    from hematon.portal.accounts.models import User
    from hematon.portal.notify.actions import enqueue
    from hematon.portal.notify.models import Kind

    out = os.open(noted, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    user = User.objects.get(pk=user_pk)
    for _ in range(MOST_PER_WRITER):
        key = f"proof:{secrets.token_hex(8)}"
        with transaction.atomic():
            enqueue(
                key=key,
                kind=Kind.MESSAGE_WAITING,
                user=user,
                language="en",
                at=timezone.now(),
            )
        os.write(out, key.encode() + b"\n")


def main() -> int:
    """Prove it and print the figures.

    Returns:
        0 when all holds, else 1.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--sink", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.sink is not None:
        run_sink(asked.sink)
        return 0
    with tempfile.TemporaryDirectory(prefix="hematon-outbox-") as folder:
        return prove(Path(folder), asked.rounds)


def prove(folder: Path, rounds: int) -> int:
    """Run the rounds in a folder."""
    from hematon.portal.serve import prepare

    prepare(folder / "portal", demo=True)
    from django.conf import settings
    from django.core.mail.utils import DNS_NAME
    from django.core.management import call_command
    from django.db import connection, connections
    from django.urls import reverse
    from django.utils import timezone

    from hematon.portal.accounts.models import Kind, User
    from hematon.portal.notify import access, sending
    from hematon.portal.notify.models import Notice
    from hematon.portal.notify.texts import message_id

    received, noted = folder / "received", folder / "noted"
    received.touch()
    noted.touch()
    call_command("migrate", interactive=False, verbosity=0)
    if User.objects.exists():
        raise SystemExit(
            "HEMATON_DATABASE_URL names a database in use; give the proof one of its own"
        )
    user = User.objects.create_without_password("parent@proof.invalid", Kind.FAMILY)
    sending.LEASE = LEASE
    # Once, here: in each process they would take longer than a round lasts.
    DNS_NAME.get_fqdn()
    reverse("home")
    in_the_middle = 0
    began = time.monotonic()
    with mail_server(received) as port:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_USE_TLS = False
        for done in range(rounds):
            connections.close_all()
            before, round_began = received.stat().st_size, timezone.now()
            started = [forked(worker) for _ in range(WORKERS)]
            started += [forked(lambda: writer(user.pk, noted)) for _ in range(WRITERS)]
            enough = before + (1 + secrets.randbelow(MOST_MAILS)) * MAIL_BYTES
            wait_for_size(received, enough, seconds=2)
            time.sleep(secrets.randbelow(10) / 1000)
            for pid in started:
                os.kill(pid, signal.SIGKILL)
            for pid in started:
                os.waitpid(pid, 0)
            in_the_middle += Notice.objects.filter(
                sent_at=None, leased_until__gt=round_began + LEASE
            ).count()
            if done % 50 == 49:
                print(f"round {done + 1}", flush=True)
        while access.waiting(at=timezone.now()).exists():
            if not sending.send_due(timezone.now()).sent:
                time.sleep(0.1)
        version = connection.vendor
    seconds = time.monotonic() - began

    rows = list(Notice.objects.all())
    ids = Counter(received.read_text(encoding="utf-8").split())
    owed = {message_id(row) for row in rows}
    kept = {row.key for row in rows}
    lost = [key for key in noted.read_text(encoding="utf-8").split() if key not in kept]
    again = sum(ids.values()) - len(ids)
    killed = rounds * WORKERS
    figures = {
        "rounds": rounds,
        "workers killed": killed,
        "of them with a mail in its hands": in_the_middle,
        "mails owed": len(rows),
        "noted by a writer and not owed": len(lost),
        "owed and never received": len(owed - set(ids)),
        "received and not owed": len(set(ids) - owed),
        "not stamped as sent": sum(row.sent_at is None for row in rows),
        "given up": sum(row.failed_at is not None for row in rows),
        "received again, same Message-ID": again,
        "most often one of them": max(ids.values(), default=0),
    }
    print(f"{version}, {seconds:.0f} s, {os.cpu_count()} cores")
    for name, value in figures.items():
        print(f"{value:8} {name}")
    none_of = len(lost), *(figures[name] for name in list(figures)[5:9])
    holds = rows and again <= in_the_middle and not any(none_of)
    print("holds" if holds else "DOES NOT HOLD")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
