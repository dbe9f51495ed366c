"""T-34: the audit is one unbroken chain, the database refuses to change it, tampering is named."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from django.apps import apps
from django.conf import settings as django_settings
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from pytest_django import DjangoAssertNumQueries, Settings

from hematon.portal.accounts.models import User
from hematon.portal.audit import checkpoint, guards
from hematon.portal.audit.chain import COLUMNS, GENESIS, canonical, link
from hematon.portal.audit.checkpoint import Checkpoint
from hematon.portal.audit.models import Event
from hematon.portal.audit.record import UnknownEventError, record
from hematon.portal.audit.verify import Bad, verify, verify_and_note, verify_daily
from hematon.portal.check import problems
from hematon.portal.commands import portal
from hematon.portal.vault.keys import keyring

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WORDS = "rows of the audit are never changed"
COPIED = ", ".join(name for name in (*COLUMNS, "chain") if name != "sequence")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_checkpoints(settings: Settings, tmp_path: Path) -> None:
    settings.AUDIT_CHECKPOINTS = tmp_path / "checkpoints"


@pytest.fixture
def rows() -> int:
    """Ten rows; gives their number."""
    for number in range(10):
        record(None, "photo.set", number=number)
    return 10


@pytest.fixture
def unguarded() -> Iterator[CursorWrapper]:
    """Give someone who got past the database's guards, inside the test's transaction."""
    guards.run(connection, guards.LIFT)
    with connection.cursor() as cursor:
        yield cursor


def test_rows_number_themselves_and_sign_each_other() -> None:
    """No gap, and each chain is worked out here again from the row and the one before."""
    record(None, "photo.set", expert_new=True, count=3, kind="a", nothing=None)
    user = User.objects.create_user("one@tests.invalid", "x")
    record(user, "staff.created", user, patient=user, purpose="BTG", outcome="refused")
    before = GENESIS
    events = list(Event.objects.order_by("sequence"))
    assert [event.sequence for event in events] == [1, 2]
    for event in events:
        values = tuple(getattr(event, name) for name in COLUMNS)
        assert event.chain == link(keyring().audit, before, values)
        before = event.chain
    assert events[1].subject == events[1].patient == f"accounts.user:{user.pk}"
    assert (events[1].purpose, events[1].outcome) == ("BTG", "refused")
    assert verify().rows == 2


def test_a_row_is_written_down_in_one_way() -> None:
    """Pinned: the bytes that are signed are those of every release."""
    at = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)
    values = (7, at, 3, "a.b", "s:1", "", "", "success", "r", "c", {"b": 1, "a": "é", "n": None})
    assert canonical(values).decode() == (
        '{"action":"a.b","actor_id":3,"at":"2026-01-02T03:04:05.000600+00:00","client":"c",'
        '"detail":{"a":"é","b":1,"n":null},"outcome":"success","patient":"","purpose":"",'
        '"route":"r","sequence":7,"subject":"s:1"}'
    )
    assert link(b"k" * 32, GENESIS, values) == (
        "52042b3b5b19cab6941825ddeca1e8cd9936c198918bf5df0000625b501f18a2"
    )


@pytest.mark.parametrize(
    ("action", "codes"),
    [("photo.admired", {}), ("photo.set", {"outcome": "fine"}), ("photo.set", {"purpose": "FUN"})],
)
def test_what_nobody_described_is_not_recorded(action: str, codes: dict[str, str]) -> None:
    """An action, purpose or outcome outside the lists is the program's fault, and said so."""
    with pytest.raises(UnknownEventError):
        record(None, action, **codes)  # type: ignore[arg-type]
    assert not Event.objects.exists()


def test_a_rolled_back_row_leaves_no_gap(rows: int) -> None:
    """The number is given in the transaction, not by a sequence of the database."""
    with transaction.atomic():
        record(None, "photo.set")
        transaction.set_rollback(True)
    assert verify().rows == rows
    record(None, "photo.removed")
    assert verify().rows == rows + 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET action = 'photo.removed' WHERE sequence = 5",
        "UPDATE audit_event SET chain = chain",
        "DELETE FROM audit_event WHERE sequence = 10",
        "DELETE FROM audit_event",
    ],
)
def test_the_database_refuses_changes(rows: int, statement: str) -> None:
    """UPDATE and DELETE, of one row or all, whoever asks; also on SQLite and PostgreSQL alike."""
    before = list(Event.objects.values())
    with (
        pytest.raises(DatabaseError, match=WORDS),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert list(Event.objects.values()) == before


def test_the_database_refuses_to_empty_or_replace(rows: int) -> None:
    """TRUNCATE where there is one; INSERT OR REPLACE where there is one, by id and by number."""
    if connection.vendor == "postgresql":
        # PostgreSQL does not get as far as the trigger while foreign keys wait to be checked.
        connection.check_constraints()
        statements = ["TRUNCATE audit_event", "TRUNCATE accounts_user CASCADE"]
    else:
        names = f"id, sequence, {COPIED}"
        statements = [
            f"INSERT OR REPLACE INTO audit_event ({names}) SELECT {values}, {COPIED} "
            "FROM audit_event WHERE sequence = 1"
            for values in ("id, 99", "99, 5")
        ]
    for statement in statements:
        with (
            pytest.raises(DatabaseError, match=WORDS),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert verify().rows == rows


def test_check_misses_a_guard(unguarded: CursorWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal whose database lost its triggers says so."""
    monkeypatch.setitem(django_settings.CACHES["default"], "LOCATION", "cache_entries")
    missing = [problem for problem in problems() if "its guard" in problem]
    assert len(missing) == len(guards.NAMES[connection.vendor])
    guards.run(connection, guards.SET)
    assert not [problem for problem in problems() if "its guard" in problem]


TAMPERING = {
    "edit": ("UPDATE audit_event SET action = 'photo.removed' WHERE sequence = 5", 5),
    "edit of the chain": ("UPDATE audit_event SET chain = 'zz' WHERE sequence = 5", 5),
    "edit of the time": (
        "UPDATE audit_event SET at = (SELECT at FROM audit_event WHERE sequence = 1) "
        "WHERE sequence = 5",
        5,
    ),
    "delete": ("DELETE FROM audit_event WHERE sequence = 5", 5),
    "delete of the first": ("DELETE FROM audit_event WHERE sequence = 1", 1),
    "delete and closing up": (
        "DELETE FROM audit_event WHERE sequence = 5;"
        "UPDATE audit_event SET sequence = -sequence WHERE sequence > 5;"
        "UPDATE audit_event SET sequence = -1 - sequence WHERE sequence < 0",
        5,
    ),
    "insert": (
        "UPDATE audit_event SET sequence = -sequence WHERE sequence > 5;"
        "UPDATE audit_event SET sequence = 1 - sequence WHERE sequence < 0;"
        f"INSERT INTO audit_event (sequence, {COPIED}) SELECT 6, {COPIED} FROM audit_event "
        "WHERE sequence = 5",
        6,
    ),
    "insert at the end": (
        f"INSERT INTO audit_event (sequence, {COPIED}) SELECT 11, {COPIED} FROM audit_event "
        "WHERE sequence = 10",
        11,
    ),
    "reorder": (
        "UPDATE audit_event SET sequence = -1 WHERE sequence = 5;"
        "UPDATE audit_event SET sequence = 5 WHERE sequence = 6;"
        "UPDATE audit_event SET sequence = 6 WHERE sequence = -1",
        5,
    ),
    "cut off the tail": ("DELETE FROM audit_event WHERE sequence > 7", 8),
    "empty": ("DELETE FROM audit_event", 1),
}


@pytest.mark.parametrize("way", TAMPERING)
def test_tampering_is_named(rows: int, unguarded: CursorWrapper, way: str) -> None:
    """Each is detected at its row, once the guards are out of the way; the tail by a checkpoint."""
    whole = verify()
    checkpoint.write(sequence=whole.rows, chain=whole.chain, at=NOON)
    assert verify().bad is None
    statements, expected = TAMPERING[way]
    for statement in statements.split(";"):
        unguarded.execute(statement)
    found = verify()
    assert found.bad is not None
    assert found.bad.sequence == expected
    assert found.rows == expected - 1


def test_a_chain_made_anew_does_not_pass_its_checkpoint(
    rows: int, unguarded: CursorWrapper
) -> None:
    """Someone with the key ring rewrites all of it; what was signed before still says so."""
    whole = verify()
    checkpoint.write(sequence=whole.rows, chain=whole.chain, at=NOON)
    Event.objects.filter(sequence=5).update(action="photo.removed")
    migration = import_module("hematon.portal.audit.migrations.0003_rows_so_far_are_chained")
    migration.chain(apps, SimpleNamespace(connection=connection))
    found = verify()
    assert found.bad is not None
    assert found.bad.sequence == 10
    assert "checkpoint" in found.bad.why


def test_rows_from_before_the_chain_are_chained(rows: int, unguarded: CursorWrapper) -> None:
    """The migration numbers and signs what it finds, in the order it came."""
    for event in Event.objects.order_by("sequence"):
        Event.objects.filter(pk=event.pk).update(chain="", sequence=event.sequence + 1000)
    assert verify().bad == Bad(1, "it is missing; row 1001 comes next")
    migration = import_module("hematon.portal.audit.migrations.0003_rows_so_far_are_chained")
    migration.chain(apps, SimpleNamespace(connection=connection))
    assert verify().rows == rows
    numbers = Event.objects.order_by("sequence").values_list("detail__number", flat=True)
    assert list(numbers) == list(range(rows))


def test_another_key_ring_does_not_fit(rows: int, settings: Settings, tmp_path: Path) -> None:
    """A chain that was made without the audit key is none."""
    from hematon.portal.vault.keys import new_keyring, write_keyring

    settings.KEYRING_FILE = tmp_path / "other.json"
    write_keyring(settings.KEYRING_FILE, new_keyring())
    found = verify()
    assert found.bad is not None
    assert found.bad.sequence == 1


@pytest.mark.parametrize("harm", ["sequence", "at", "chain", "signature", "not json", "cut"])
def test_a_changed_checkpoint_is_refused(rows: int, harm: str) -> None:
    """A line that was not signed here is an alarm, not a line to skip."""
    whole = verify()
    checkpoint.write(sequence=whole.rows, chain=whole.chain, at=NOON)
    file = checkpoint.file()
    line = json.loads(file.read_text())
    changed = {
        "sequence": {**line, "sequence": 3},
        "at": {**line, "at": (NOON + timedelta(days=1)).isoformat()},
        "chain": {**line, "chain": "0" * 64},
        "signature": {**line, "signature": "0" * 64},
    }
    text = json.dumps(changed[harm]) if harm in changed else {"not json": "hello"}.get(harm, "{")
    file.write_text(text + "\n")
    found = verify()
    assert found.bad is not None
    assert found.bad.sequence is None
    assert "line 1" in str(found.bad)


def test_the_day_is_verified_and_signed_once(rows: int) -> None:
    """The worker may ask as often as it likes; a broken chain is never signed, and is an alarm."""
    first = Event.objects.order_by("sequence").first()
    assert first is not None
    day = first.at
    verdict = verify_daily(at=day)
    assert verdict is not None
    assert verdict.checkpoint == Checkpoint(day, rows, verdict.chain)
    assert verify_daily(at=day) is None
    assert verify_daily(at=day + timedelta(days=2)) is not None
    assert [made.sequence for made in checkpoint.checkpoints()] == [rows, rows + 1]
    assert verify().checkpoint is not None


def test_a_broken_chain_is_not_signed(rows: int, unguarded: CursorWrapper) -> None:
    """And what was found is on record."""
    unguarded.execute("UPDATE audit_event SET action = 'x' WHERE sequence = 4")
    verdict = verify_and_note(by=None, at=NOON, sign=True)
    assert verdict.bad is not None
    assert not list(checkpoint.checkpoints())
    said = Event.objects.get(action="audit.verified")
    assert (said.outcome, said.detail["first_bad"]) == ("failed", 4)


def run_command(*arguments: str) -> tuple[int, str]:
    """Run `hematon portal verify-audit` on the test's database."""
    directory = str(django_settings.DIRECTORY)
    result = CliRunner().invoke(portal, ["--dir", directory, "--demo", "verify-audit", *arguments])
    return result.exit_code, result.output


def test_command(rows: int, unguarded: CursorWrapper) -> None:
    """0 and how far it is whole, 1 and the first bad row; writes nothing unless it is told to."""
    status, said = run_command()
    assert status == 0
    assert "up to row 10" in said
    assert "no checkpoint" in said
    assert Event.objects.count() == rows
    assert not checkpoint.file().exists()
    status, said = run_command("--checkpoint")
    assert (status, "row 10 at" in said) == (0, True)
    assert Event.objects.count() == rows + 1
    unguarded.execute("UPDATE audit_event SET action = 'x' WHERE sequence = 4")
    status, said = run_command()
    assert status == 1
    assert "row 4" in said
    assert Event.objects.count() == rows + 1


def test_verifying_reads_in_a_fixed_number_of_queries(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """One, however many rows there are."""
    with django_assert_num_queries(1):
        verify()


@pytest.mark.django_db(transaction=True)
def test_parallel_writers_make_one_chain() -> None:
    """50 threads with connections of their own; each rolls one of its rows back."""
    failed: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for turn in range(4):
                try:
                    with transaction.atomic():
                        record(None, "photo.set", writer=number, turn=turn)
                        if turn == 2:
                            raise ZeroDivisionError
                except ZeroDivisionError:
                    continue
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    verdict = verify()
    assert verdict.bad is None
    assert verdict.rows == 150
    assert {e.detail["writer"] for e in Event.objects.all()} == set(range(50))


def test_the_proof_runs() -> None:
    """50 threads, 50 processes, every tampering and 3,000 rows, in a portal of its own."""
    done = subprocess.run(
        [sys.executable, "tools/prove_audit.py", "--rows", "3000", "--each", "4"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("one unbroken chain") == 2
    assert done.stdout.count("refused by the database") == 5


@pytest.mark.skipif(
    "postgresql" not in django_settings.DATABASES["default"]["ENGINE"],
    reason="SQLite has no roles; tools/with_postgres.py runs this",
)
def test_role_of_the_portal_cannot_lift_the_guards() -> None:
    """What deploy/ grants, carried out: the app adds rows and does no more."""
    grants = (ROOT / "deploy/postgresql/grants.sql").read_text()
    given = re.findall(r"GRANT ([A-Z, ]+) ON (TABLES|SEQUENCES) TO hematon_app;", grants)
    assert [what for _, what in given] == ["TABLES", "SEQUENCES"]
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE hematon_app NOLOGIN")
        cursor.execute("GRANT USAGE ON SCHEMA public TO hematon_app")
        for rights, what in given:
            cursor.execute(f"GRANT {rights} ON ALL {what} IN SCHEMA public TO hematon_app")
        cursor.execute("SET LOCAL ROLE hematon_app")
        record(None, "photo.set")
        user = User.objects.create_user("one@tests.invalid", "x")
        User.objects.filter(pk=user.pk).update(name="Sample")
        for statement in (
            "ALTER TABLE audit_event DISABLE TRIGGER ALL",
            "ALTER TABLE audit_event DISABLE TRIGGER audit_event_no_change",
            "DROP TRIGGER audit_event_no_change ON audit_event",
            "DROP FUNCTION audit_event_refuse() CASCADE",
            "DROP TABLE audit_event",
            "ALTER TABLE audit_event ADD COLUMN more integer",
            "SET session_replication_role = replica",
            "UPDATE audit_event SET action = 'x'",
            "DELETE FROM audit_event",
            "TRUNCATE audit_event",
        ):
            with (
                pytest.raises(
                    DatabaseError, match=r"must be owner|permission denied|are never changed"
                ),
                transaction.atomic(),
            ):
                cursor.execute(statement)
        assert verify().rows == 1
        cursor.execute("RESET ROLE")


def test_nobody_but_record_makes_rows() -> None:
    """No other place in the portal adds an event or touches the guards."""
    source = ROOT / "src/hematon/portal"
    for file in source.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        inside = file.relative_to(source).as_posix()
        if inside != "audit/record.py":
            assert not re.search(r"= Event\(|Event\.objects\.(create|bulk_create|update)", text)
        if not inside.startswith("audit/migrations/"):
            assert "guards.LIFT" not in text, inside
