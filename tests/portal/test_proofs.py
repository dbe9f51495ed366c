"""Nothing that a page showed is lost: short forms of the proofs under kill and load."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hematon.portal.accounts.models import BrowserSession, Role, StaffRole, User
from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.care import sending, talking
from hematon.portal.care.models import Case, Message
from hematon.portal.care.status import Kind
from hematon.portal.files import actions as files
from hematon.portal.files import store
from hematon.portal.files.models import StoredFile
from hematon.portal.notify.actions import enqueue
from hematon.portal.notify.models import Kind as Notice_
from hematon.portal.notify.models import Notice
from hematon.portal.notify.texts import message_id
from portal_accounts import Clock
from tool_modules import tool_module

TOOLS = Path(__file__).parents[2] / "tools"
MARK, ACKNOWLEDGED = "0123456789abcdef", "a-key-of-a-message"


def run(tool: str, *words: str) -> str:
    """Run a proof, give what it printed."""
    done = subprocess.run(
        [sys.executable, str(TOOLS / tool), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_nothing_shown_is_lost_when_everything_is_killed() -> None:
    """T-36, T-37, short: 12 rounds of kill -9 under 20 families; the long form has 500."""
    said = run("prove_crash.py", "--rounds", "12", "--cold-every", "6")
    assert said.splitlines()[-1] == "holds"
    assert "      12 kills of the whole group" in said
    assert "       0 references shown" not in said


def test_load_answers_everyone_and_loses_nothing() -> None:
    """T-38, 3 minutes: no 5xx, no lock error, nothing lost; speed is measured where it is quiet."""
    burst = ["--burst", "100", "--burst-seconds", "12"]
    said = run("prove_load.py", "--minutes", "3", *burst, "--shared")
    assert said.splitlines()[-1].startswith("holds; ")
    assert "100 references shown of 100" in said
    assert "lines about locks in the log: 0" in said


class _Mail:
    def __init__(self) -> None:
        self.ids: list[str] = []


class Kept:
    """A request with a file, a message of each side and a mail, and what was written down of it."""

    def __init__(self, folder: Path) -> None:
        self.figures: ModuleType = tool_module("crash_figures")
        at = timezone.now()
        self.family = User.objects.create_without_password("a@tests.invalid", UserKind.FAMILY)
        self.nurse = User.objects.create_user("n@tests.invalid")
        StaffRole.objects.create(user=self.nurse, role=Role.INTAKE)
        self.case = sending.send_new(
            key=uuid.uuid4().hex,
            kind=Kind.LEARN_MORE,
            answers={"wish": {"wish": f"How visits go {MARK}"}},
            language="en",
            at=at,
            sender=self.family,
        )
        content = f"Test,Value\nHGB,7.9 {MARK}\n".encode()
        upload = SimpleUploadedFile("counts.csv", content)
        self.stored = files.take(holder=self.case.pk, upload=upload, by=self.family, at=at)
        for key, by in ((ACKNOWLEDGED, self.family), ("of-staff", self.nurse)):
            talking.send_message(case=self.case, key=key, text=key, by=by, language="en", at=at)
        enqueue(
            key="proof:of-staff",
            kind=Notice_.MESSAGE_WAITING,
            user=self.family,
            language="en",
            at=at,
        )
        Notice.objects.update(sent_at=at)
        self.mail = _Mail()
        self.mail.ids = [message_id(notice) for notice in Notice.objects.all()]
        self.noted = folder / "noted"
        self.noted.write_text("of-staff\n")
        one = self.figures.Request(MARK, "learn-more", str(self.case.pk), str(self.case.reference))
        one.files["counts.csv"] = (self.stored.sha256, "/")
        one.messages[ACKNOWLEDGED] = ACKNOWLEDGED
        self.told = self.figures.Told([one])

    def wrong(self) -> list[str]:
        """Say what the proof finds wrong."""
        found, none_of = self.figures.figures(self.told, self.mail, self.noted)
        return [name for name in none_of if found[name]]


@pytest.fixture
def kept(db: None, tmp_path: Path, settings: Any) -> Kept:
    """Give what a proof compares, and where nothing is wrong."""
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.CLAMD_SOCKET = ""
    return Kept(tmp_path)


def _drop_case(kept: Kept) -> None:
    kept.told.requests[0].reference = "HM-AAAA-AAAA"


def _change_answers(kept: Kept) -> None:
    kept.case.answers = {"wish": {"wish": "Something else"}}
    kept.case.save()


def _send_twice(kept: Kept) -> None:
    sending.send_new(
        key=uuid.uuid4().hex,
        kind=Kind.LEARN_MORE,
        answers=kept.case.answers,
        language="en",
        at=timezone.now(),
    )


def _lose_content(kept: Kept) -> None:
    store.delete(StoredFile.objects.get().stored_as)
    kept.told.requests[0].files.clear()


def _lose_row(kept: Kept) -> None:
    StoredFile.objects.all().delete()


def _other_content(kept: Kept) -> None:
    kept.told.requests[0].files["counts.csv"] = ("0" * 64, "/")


def _lose_message(kept: Kept) -> None:
    Message.objects.filter(key=ACKNOWLEDGED).delete()


def _never_arrived(kept: Kept) -> None:
    kept.mail.ids.clear()


def _nobody_asked_for_it(kept: Kept) -> None:
    kept.mail.ids.append(f"<{uuid.uuid4()}@localhost>")


def _owe_nothing(kept: Kept) -> None:
    Notice.objects.all().delete()
    kept.mail.ids.clear()


def _unrecorded(kept: Kept) -> None:
    copy = Case.objects.get(pk=kept.case.pk)
    copy.pk, copy.key, copy.reference = uuid.uuid4(), "other", "HM-AAAA-AAAB"
    copy.answers = {}
    copy.save(force_insert=True)


@pytest.mark.parametrize(
    ("harm", "name"),
    [
        (_drop_case, "shown and not there"),
        (_change_answers, "not as typed, or another's"),
        (_send_twice, "there twice, or its form kept twice"),
        (_unrecorded, "sent requests without exactly one line in the audit"),
        (_lose_content, "rows without their content"),
        (_lose_row, "listed and not there"),
        (_other_content, "not byte for byte as sent"),
        (_lose_message, "of them not there once, or another text"),
        (_owe_nothing, "answers of staff that owe no mail"),
        (_never_arrived, "owed and never received"),
        (_nobody_asked_for_it, "received and not owed"),
    ],
)
def test_the_proof_sees_each_harm(kept: Kept, harm: Callable[[Kept], None], name: str) -> None:
    """T-37: a proof that could not fail would prove nothing; each harm is named, and alone."""
    assert kept.wrong() == []
    harm(kept)
    assert kept.wrong() == [name]


def test_a_page_within_the_minute_asks_for_one_write(
    monkeypatch: pytest.MonkeyPatch, signed_in_as: Callable[..., Client]
) -> None:
    """T-38: SQLite's writers queue, so a page that is only read writes the session, no more."""
    clock, client = Clock(monkeypatch), signed_in_as()
    client.get("/en/account/")
    row = BrowserSession.objects.get()
    for seconds, writes in ((59, 1), (2, 2)):
        clock.move(seconds=seconds)
        with CaptureQueriesContext(connection) as asked:
            client.get("/en/account/")
        changed = [q["sql"] for q in asked if q["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]
        assert len(changed) == writes, changed
    assert BrowserSession.objects.get().seen_at > row.seen_at


@pytest.mark.skipif(
    settings.DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3", reason="SQLite's own"
)
@pytest.mark.django_db
def test_writers_wait_for_sqlite_as_long_as_a_request_may_take() -> None:
    """T-38: not five seconds, after which families saw 500 and 400; less than nginx waits."""
    nginx = (TOOLS.parent / "deploy" / "nginx" / "hematon.conf").read_text(encoding="utf-8")
    found = re.search(r"proxy_read_timeout (\d+)s", nginx)
    assert found
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone()[0] == 20_000 < 1000 * int(found[1])
