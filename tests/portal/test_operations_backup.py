"""T-39: a backup is whole or no backup; a restore refuses what it cannot make right."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from hematon.errors import HematonError
from hematon.portal.operations import copies, database
from hematon.portal.vault.keys import new_keyring, read_keyring, write_keyring
from tool_modules import tool_module

ROOT = Path(__file__).parents[2]
throwaway = tool_module("throwaway")
PORTAL = [sys.executable, "-c", "from hematon.cli import main; main()", "portal", "--demo"]
FILES = {"aa/one": b"sealed file one", "bb/two": b"sealed file two" * 1000}


@pytest.fixture(scope="module")
def live() -> Iterator[dict[str, str]]:
    """A portal of its own with two files; on PostgreSQL with a database of its own."""
    made: AbstractContextManager[dict[str, str]] = throwaway.portal()
    with made as environment:
        media = Path(environment["HEMATON_PORTAL_DIR"]) / "files"
        for name, content in FILES.items():
            (media / name).parent.mkdir(parents=True)
            (media / name).write_bytes(content)
        yield environment


@pytest.fixture(scope="module")
def made(live: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    into = tmp_path_factory.mktemp("backups")
    done = run(live, "backup", str(into))
    assert done.returncode == 0, done.stderr
    (only,) = into.iterdir()
    return only


def run(live: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the portal."""
    # The tests' own settings are not on the path of a program.
    ours = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    environment = {**ours, **live}
    return subprocess.run(
        [*PORTAL, "--dir", live["HEMATON_PORTAL_DIR"], *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def restore(
    live: dict[str, str], backup: Path, into: Path, *words: str
) -> subprocess.CompletedProcess[str]:
    """Restore; into an empty database, where there is a server."""
    given = ["restore", str(backup), "--into", str(into), *words]
    url = live.get("HEMATON_DATABASE_URL")
    if url is None:
        return run(live, *given)
    with throwaway.other_database(url) as empty:
        return run(live, *given, "--database-url", empty)


def test_a_backup_names_and_hashes_what_it_holds(live: dict[str, str], made: Path) -> None:
    """T-39: rows by table, a hash of each file, the audit's head, versions; its owner's alone."""
    said = json.loads((made / "manifest.json").read_text())
    assert said["tables"]["accounts_user"] == 0
    assert said["versions"].keys() == {"hematon", "django"}
    assert {f"files/{name}" for name in FILES} <= said["files"].keys()
    assert all(copies.fingerprint(made / n) == tuple(v) for n, v in said["files"].items())
    assert "accounts.storedsession.content" not in said["in_the_open"]
    assert "clinic.upload.content" not in said["in_the_open"]
    for place in (made, *made.rglob("*")):
        assert place.stat().st_mode & 0o077 == 0, place


def test_the_keys_are_not_in_a_backup(live: dict[str, str], made: Path, tmp_path: Path) -> None:
    """T-32: no byte of the ring or the secret; --with-keys writes it elsewhere, never beside."""
    folder = Path(live["HEMATON_PORTAL_DIR"])
    ring = json.loads((folder / "keyring.json").read_text())
    secrets = [*ring["keys"].values(), ring["index"], (folder / "secret-key").read_text().strip()]
    everything = b"".join(f.read_bytes() for f in made.rglob("*") if f.is_file())
    assert [s for s in secrets if s.encode() in everything] == []
    beside = run(live, "backup", str(tmp_path), "--with-keys", str(tmp_path / "ring.json"))
    assert beside.returncode == 1
    assert "keep the keys apart" in beside.stderr
    away = tmp_path.parent / f"{tmp_path.name}-ring.json"
    assert run(live, "backup", str(tmp_path), "--with-keys", str(away)).returncode == 0
    assert read_keyring(away) == read_keyring(folder / "keyring.json")


def test_an_empty_place_gets_everything_back(
    live: dict[str, str], made: Path, tmp_path: Path
) -> None:
    """T-39: files by their hash; a secret of its own, so that no old session opens anything."""
    new = tmp_path / "new"
    done = restore(live, made, new)
    assert done.returncode == 0, done.stderr
    for name, content in FILES.items():
        assert (new / "files" / name).read_bytes() == content
    old = Path(live["HEMATON_PORTAL_DIR"])
    assert (new / "secret-key").read_text() != (old / "secret-key").read_text()
    assert new.stat().st_mode & 0o077 == 0
    again = restore(live, made, new)
    assert again.returncode == 1
    assert "is not empty" in again.stderr


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("flip a bit of a file", "is damaged"),
        ("flip a bit of the database", "is damaged"),
        ("lose a file", "is missing"),
        ("add a file", "does not belong"),
        ("change a number of the manifest", "was changed after it was written"),
        ("cut the manifest", "is damaged"),
        ("lose the manifest", "is no backup"),
        ("call it partial", "never finished"),
    ],
)
def test_a_damaged_backup_is_refused(
    live: dict[str, str], made: Path, tmp_path: Path, damage: str, said: str
) -> None:
    """T-39: whatever is wrong with it is named, and nothing is left in the new place."""
    copy = tmp_path / ("x.partial" if damage == "call it partial" else "x")
    shutil.copytree(made, copy)
    manifest = copy / "manifest.json"
    database = json.loads(manifest.read_text())["database"]
    if damage.startswith("flip"):
        file = copy / (database if "database" in damage else "files/bb/two")
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "lose a file":
        (copy / "files/aa/one").unlink()
    elif damage == "add a file":
        (copy / "files/aa/three").write_bytes(b"?")
    elif damage.startswith("change"):
        changed = json.loads(manifest.read_text())
        changed["tables"]["accounts_user"] += 1
        manifest.write_text(json.dumps(changed))
    elif damage == "cut the manifest":
        manifest.write_bytes(manifest.read_bytes()[:-20])
    elif damage == "lose the manifest":
        manifest.unlink()
    done = restore(live, copy, tmp_path / "new")
    assert done.returncode == 1, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


def test_another_key_ring_is_refused(live: dict[str, str], made: Path, tmp_path: Path) -> None:
    """T-39: another ring, the same without a key, and one whose key has another's name."""
    right = read_keyring(Path(live["HEMATON_PORTAL_DIR"]) / "keyring.json")
    (name,) = right.keys
    other = new_keyring()
    wrong = {
        "not the one": other,
        "lacks key": type(right)(
            active=other.active, keys=other.keys, index=right.index, audit=right.audit
        ),
        "made with": type(right)(
            active=name,
            keys={name: next(iter(other.keys.values()))},
            index=right.index,
            audit=right.audit,
        ),
    }
    for said, ring in wrong.items():
        file = tmp_path / "ring.json"
        write_keyring(file, ring)
        done = restore(live, made, tmp_path / "new", "--keys", str(file))
        assert done.returncode == 1
        assert said in done.stderr
        assert not (tmp_path / "new").exists()


def test_two_at_a_time_are_refused(live: dict[str, str], tmp_path: Path) -> None:
    """A purge during a backup could take a file that the backup's rows still name."""
    import fcntl

    lock = Path(live["HEMATON_PORTAL_DIR"]) / "upkeep" / "lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for words in (("backup", str(tmp_path)), ("purge",)):
            done = run(live, *words)
            assert done.returncode == 1
            assert "running already" in done.stderr


def test_manifest_of_this_ring_alone(tmp_path: Path) -> None:
    """A manifest that somebody without the keys wrote anew is refused."""
    ring = new_keyring()
    marks = copies.marks(ring, "x")
    forged = {"format": 1, "name": "x", "marks": marks, "mac": "00" * 32}
    (tmp_path / "manifest.json").write_text(json.dumps(forged))
    with pytest.raises(HematonError, match="was changed"):
        copies.read_manifest(tmp_path, ring)


def test_while_writing_with_kills() -> None:
    """T-39, short: every finished backup restores; a killed one never looks finished."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "prove_backup.py"), "--kills", "2", "--writers", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "proved"
    assert "2 of 2 with -9" in done.stdout


def test_the_drill_in_one_command(live: dict[str, str]) -> None:
    """T-39: backup while writing, restore, sign in, open; the health page shows when."""
    done = run(live, "drill")
    assert done.returncode == 0, done.stderr
    assert "signed in, second factor and all" in done.stdout
    assert float(done.stdout.split()[-1]) < 120
    folder = Path(live["HEMATON_PORTAL_DIR"])
    note = json.loads((folder / "upkeep" / "drill.json").read_text())
    assert note["ok"] is True
    assert note["figures"]["writes"] > 0
    assert list(folder.glob("drill-*")) == []


@pytest.mark.skipif(
    "HEMATON_DATABASE_URL" not in os.environ, reason="SQLite's drill makes a file of its own"
)
def test_a_drill_that_fails_leaves_nothing_in_its_database() -> None:
    """T-39: no family's record stays there, and the next drill finds it empty again."""

    def fail(url: str) -> None:
        with database.scratch_database(url):
            throwaway.psql(url, "CREATE TABLE restored (id int)")
            raise RuntimeError

    with throwaway.other_database(os.environ["HEMATON_DATABASE_URL"]) as url:
        with pytest.raises(RuntimeError):
            fail(url)
        with database.scratch_database(url) as again:
            assert again == url


@pytest.fixture
def signed(live: dict[str, str], tmp_path: Path) -> tuple[Path, Path]:
    """A backup, and checkpoints, of which the last is of rows written after it."""
    folder, into = tmp_path / "checkpoints", tmp_path / "backups"
    asked = {**live, "HEMATON_AUDIT_CHECKPOINTS": str(folder)}
    for words in (("verify-audit", "--checkpoint"), ("verify-audit",), ("backup", str(into))):
        done = run(asked, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    for _ in range(2):
        assert run(asked, "verify-audit", "--checkpoint").returncode == 0
    (only,) = into.iterdir()
    return only, folder


def test_a_restore_says_which_rows_of_the_audit_are_lost(
    live: dict[str, str], signed: tuple[Path, Path], tmp_path: Path
) -> None:
    """T-34, T-39: it is on record, the old checkpoints are kept, and the audit is whole again."""
    backup, folder = signed
    ended = json.loads((backup / "manifest.json").read_text())["audit"]["number"]
    old = (folder / "checkpoints.jsonl").read_text()
    rows = [json.loads(line)["sequence"] for line in old.splitlines()]
    assert rows[-2] <= ended < rows[-1]
    into = tmp_path / "new"
    done = restore(live, backup, into, "--checkpoints", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"rows {ended + 1} to {rows[-1]}, at least, were written" in done.stdout
    assert (folder / "checkpoints.jsonl").read_text() == old, "nothing of the old place is touched"
    new = into / "audit-checkpoints"
    (kept,) = new.glob("before-restore-*.jsonl")
    (note,) = new.glob("before-restore-*.note.json")
    assert kept.read_text() == old
    assert json.loads(note.read_text())["rows_lost_at_least"] == rows[-1] - ended
    going_on = (new / "checkpoints.jsonl").read_text().splitlines()
    assert [json.loads(line)["sequence"] for line in going_on] == rows[:-1]
    for place in (new, *new.iterdir()):
        assert place.stat().st_mode & 0o077 == 0, place
    if "HEMATON_DATABASE_URL" in live:
        return  # What it was restored into is gone by now.
    whole = run({"HEMATON_PORTAL_DIR": str(into)}, "verify-audit")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    with sqlite3.connect(into / "portal.sqlite3") as database:
        (detail,) = database.execute(
            "SELECT detail FROM audit_event WHERE action = 'portal.restored'"
        ).fetchone()
    assert json.loads(detail)["rows_lost"] == rows[-1] - ended


def test_checkpoints_that_were_changed_are_kept_and_told(
    live: dict[str, str], signed: tuple[Path, Path], tmp_path: Path
) -> None:
    """T-34: an emergency is no time to refuse a restore, nor to lose what an investigator needs."""
    backup, folder = signed
    there = folder / "checkpoints.jsonl"
    first, *rest = there.read_text().splitlines()
    there.write_text("\n".join([first.replace('"signature": "', '"signature": "0'), *rest]))
    done = restore(live, backup, tmp_path / "new", "--checkpoints", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "line 1 of" in done.stdout
    assert "was not signed by this portal" in done.stdout
    (kept,) = (tmp_path / "new" / "audit-checkpoints").glob("before-restore-*.jsonl")
    assert kept.read_text().splitlines() == there.read_text().splitlines()
