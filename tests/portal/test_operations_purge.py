"""T-40: what is past its time goes, bytes and all; what is not, or is held, stays."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from hematon.portal.accounts.models import StoredSession, User
from hematon.portal.audit.models import Event
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind as CaseKind
from hematon.portal.clinic.models import Upload
from hematon.portal.commands import portal
from hematon.portal.operations import purging
from hematon.portal.ui import retention
from hematon.portal.ui.upkeep import PURGES

CANARY = "canary-purge-7731"
NOW = timezone.now()


def database_bytes() -> bytes:
    """Give every byte of the database's files; what a server keeps elsewhere is not among them."""
    if connection.vendor == "sqlite":
        file = Path(str(connection.settings_dict["NAME"]))
        beside = [file.with_name(file.name + end) for end in ("", "-wal")]
        return b"".join(f.read_bytes() for f in beside if f.exists())
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
        cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        base = folder / "base" / str(cursor.fetchone()[0])
    return b"".join(f.read_bytes() for f in base.iterdir() if f.is_file())


def session(text: str, days: int) -> None:
    """Keep a session that ends so many days from now."""
    StoredSession.objects.create(pk=text, content=b"{}", ends_at=NOW + timedelta(days=days))


@pytest.mark.django_db(transaction=True)
def test_after_a_purge_nothing_of_it_is_left() -> None:
    """T-40: by the clock; gone from rows and bytes; the audit keeps the fact and no more."""
    before = Event.objects.count()
    session(CANARY, -1)
    session("stays", 1)
    assert CANARY.encode() in database_bytes()
    would = purging.purge(now=NOW, dry=True)
    assert would["sessions, with the drafts in them"] == 1
    assert StoredSession.objects.count() == 2
    assert Event.objects.count() == before, "a dry run leaves no trace"
    done = purging.purge(now=NOW, rewrite=connection.vendor == "postgresql")
    assert done == would
    note = json.loads((Path(settings.DIRECTORY) / "upkeep" / "purge.json").read_text())
    assert note["figures"] == {"rows": 1}
    assert [s.pk for s in StoredSession.objects.all()] == ["stays"]
    # PostgreSQL keeps a row while anybody's snapshot may see it, autovacuum's for instance: what
    # one purge leaves is gone with a later one.
    tries = 20 if connection.vendor == "postgresql" else 0
    while tries and CANARY.encode() in database_bytes():
        time.sleep(0.5)
        purging.purge(now=NOW, rewrite=True)
        tries -= 1
    assert CANARY.encode() not in database_bytes()
    events = Event.objects.filter(action="upkeep.purged")
    assert [e.detail for e in events] == [{"what": "sessions, with the drafts in them", "rows": 1}]


@pytest.mark.django_db
def test_an_hour_is_an_hour() -> None:
    """T-40: one second before its end an upload stays, at its end it goes."""
    user = User.objects.create_user("u@tests.invalid")
    Upload.objects.create(user=user, session="s", kept_at=NOW, setting="x", content=b"x")
    hour = timedelta(hours=1)
    assert PURGES["uploaded records"].purge(now=NOW + hour - timedelta(seconds=1), dry=True) == 0
    assert PURGES["uploaded records"].purge(now=NOW + hour + timedelta(seconds=1), dry=True) == 1


def test_a_hold_is_read_or_nothing_goes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """T-40: a line that cannot be read stops the purge; a held id is found by its model."""
    monkeypatch.setattr(settings, "DIRECTORY", tmp_path)
    assert retention.held("care.case") == set()
    file = retention.hold_file()
    one = uuid4()
    file.write_text(f"care.case:{one} court order 12\n\n")
    assert retention.held("care.case") == {one}
    for wrong in (f"care.case:{one}", "care.case:1f court", f"care.cases:{one} court"):
        file.write_text(f"care.case:{one} court order 12\n{wrong}\n")
        with pytest.raises(ImproperlyConfigured, match="line 2"):
            retention.held("care.case")


@pytest.mark.django_db
def test_a_hold_keeps_what_it_names_and_names_what_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """T-40: a draft past its time stays while it is held; one that keeps nothing is told."""
    monkeypatch.setattr(settings, "DIRECTORY", tmp_path)
    monkeypatch.setattr("hematon.portal.operate.set_up", lambda: None)
    past = NOW - timedelta(days=1)
    case = Case.objects.create(
        kind=CaseKind.QUESTION, language="en", begun_at=past, saved_at=past, ends_at=past
    )

    def hold(subject: str) -> Result:
        return CliRunner().invoke(portal, ["--dir", str(tmp_path), "hold", subject, "court 12"])

    for wrong in ("care.case", "care.case:1f", f"care.case:{uuid4()}", f"families.child:{case.pk}"):
        assert hold(wrong).exit_code != 0, wrong
    assert not retention.hold_file().exists()
    over = PURGES["requests that were begun and not sent"].purge
    assert over(now=NOW, dry=True) == 1
    done = hold(f"care.case:{case.pk.hex}")
    assert done.exit_code == 0, done.output
    assert retention.held("care.case") == {case.pk}
    assert over(now=NOW, dry=True) == over(now=NOW, dry=False) == 0
    assert Event.objects.get(action="hold.set").detail == {"held": f"care.case:{case.pk}"}
