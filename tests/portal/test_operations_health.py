"""S42: what an administrator sees of backups, keys, jobs and what ends; and what check says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.conf import settings
from django.test import Client
from django.utils import timezone

from hematon.portal import check
from hematon.portal.accounts.models import Role
from hematon.portal.commands import portal
from hematon.portal.operations import health, upkeep
from hematon.portal.operations.models import JobRun
from hematon.portal.operations.notes import last, write_note
from hematon.portal.operations.worker import JOBS, run_due
from hematon.portal.ui.upkeep import HEALTH, State

Signed = Callable[..., Client]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of notes and backups of its own."""
    tmp_path.chmod(0o700)
    monkeypatch.setattr(settings, "DIRECTORY", tmp_path)
    monkeypatch.setattr(settings, "BACKUP_DIR", tmp_path / "backups")
    return tmp_path


@pytest.mark.django_db
def test_administrators_see_what_needs_somebody_first(folder: Path, signed_in: Signed) -> None:
    """With no backup at all, its line stands above those that are in order."""
    page = signed_in(Role.ADMINISTRATOR).get("/staff/health/").content.decode()
    assert page.index("Last backup") < page.index("Key ring")
    assert "UNKNOWN: never looked" in page
    assert "0 vulnerabilities" not in page
    for topic in HEALTH:
        assert topic in page


@pytest.mark.django_db
def test_an_app_that_fails_hides_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T-31: its line says that it could not be read."""

    def fails(now: object) -> list[upkeep.Line]:
        raise RuntimeError

    monkeypatch.setitem(HEALTH, "Pages", fails)
    found = {t.name: t for t in health.topics(timezone.now())}
    assert found["Pages"].lines[0].value == "could not be read"
    assert found.keys() == HEALTH.keys()


def test_a_number_of_weaknesses_never_stands_without_its_date(folder: Path) -> None:
    """T-51: with its date for seven days, and UNKNOWN after; both a count and none."""
    now = timezone.now()
    for found in (0, 2):
        for days, said in ((7, f"{found} in 40 packages, by the database of"), (8, "UNKNOWN")):
            day = (now - timedelta(days=days)).date().isoformat()
            write_note("advisories", ok=not found, found=found, packages=40, database=day)
            (line,) = upkeep.software(now)
            assert line.value.startswith(said)
            assert day in line.value
            assert (line.state is State.GOOD) == (days == 7 and not found)


def test_the_report_of_pip_audit_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T-51: as pip-audit writes it; anything else is refused by name."""
    monkeypatch.setattr("hematon.portal.operate.set_up", lambda: None)
    report = folder / "report.json"
    report.write_text('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "x"}]}]}')
    words = ["--dir", str(folder), "advisories", str(report), "--database-date", "2026-11-20"]
    done = CliRunner().invoke(portal, words)
    assert done.exit_code == 1
    assert "1 in 1 packages, by the database of 2026-11-20" in done.output
    note = last("advisories")
    assert note is not None
    assert note.figures["found"] == 1
    report.write_text("[]")
    assert "is not what pip-audit" in CliRunner().invoke(portal, words).output


@pytest.mark.django_db
def test_a_job_that_is_late_needs_somebody_and_one_whose_month_is_done_does_not(
    folder: Path,
) -> None:
    """T-31: a job that an earlier release had is not spoken of."""
    now = datetime(2026, 3, 14, 9, tzinfo=UTC)
    (never,) = upkeep.jobs(now)
    assert (never.value, never.state) == ("has never run", State.ATTENTION)
    assert run_due(JOBS, clock=lambda: now) == []
    JobRun.objects.create(name="of an earlier release")

    def stand(**ago: timedelta) -> set[str]:
        for name, past in ago.items():
            at = now - past
            JobRun.objects.filter(name=name.replace("_", " ")).update(succeeded_at=at)
        lines = list(upkeep.jobs(now))
        assert [line.name for line in lines] == [job.name for job in JOBS]
        return {line.name for line in lines if line.state is State.ATTENTION}

    assert stand() == set()
    assert stand(publish_ratings=timedelta(days=10), end_sessions=timedelta(hours=27)) == {
        "end sessions"
    }
    assert stand(publish_ratings=timedelta(days=20), end_sessions=timedelta(0)) == {
        "publish ratings"
    }
    JobRun.objects.filter(name="verify the audit").update(failures=2)
    assert "verify the audit" in stand()


@pytest.mark.django_db
def test_check_names_open_folders_old_copies_and_what_to_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-50: the place and the fix; of a portal in use alone."""
    monkeypatch.setattr(settings, "MEDIA_ROOT", folder / "files")
    (folder / "files").mkdir(mode=0o755)
    monkeypatch.setitem(settings.CACHES["default"], "LOCATION", "cache_entries")
    quiet = "\n".join(check.problems())
    assert "Last backup" not in quiet
    said = "\n".join([*check._of_rights(), *check._of_upkeep()])
    assert f"{folder / 'files'} is open to others: chmod 700 it" in said
    assert "beside the data: set HEMATON_BACKUP_DIR" in said
    assert "Last backup: none. Run hematon portal backup" in said
    (folder / "files").chmod(0o700)
    assert "files is open" not in "\n".join(check._of_rights())
