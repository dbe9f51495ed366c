"""T-33: keys change under load, survive a kill, and the old one goes only when nothing needs it."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.utils import timezone
from pytest_django import Settings

import hematon.portal
from hematon.portal.accounts.models import User
from hematon.portal.clinic.models import Upload
from hematon.portal.commands import portal
from hematon.portal.operations import rotation
from hematon.portal.vault import keys, large
from hematon.portal.vault.sealing import SealBrokenError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ring_file(tmp_path: Path, settings: Settings) -> Path:
    """A key ring of its own."""
    file = tmp_path / "keyring.json"
    keys.write_keyring(file, keys.new_keyring())
    settings.KEYRING_FILE = file
    return file


def upload(text: str) -> Upload:
    """Make a row with a sealed value."""
    user, _ = User.objects.get_or_create(email="rows@tests.invalid")
    return Upload.objects.create(
        user=user, session="s", kept_at=timezone.now(), setting="x", content=text.encode()
    )


def test_under_writers_with_a_kill_in_the_middle() -> None:
    """T-33, short: nothing lost, nothing wrong, the old key gone. The long form is the command."""
    words = ["--rows", "800", "--files", "40", "--writers", "5"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "prove_rotation.py"), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "proved"
    under_old = re.search(r"signal 9, (\d+) values still", done.stdout)
    assert under_old is not None
    assert int(under_old[1]) > 0


@pytest.mark.django_db
def test_a_newer_value_is_never_put_back(ring_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a writer commits between reading and writing a batch stays; the next pass seals it."""
    row = upload("old")
    rotation.begin()
    swap = rotation._swap
    raced: list[int] = []

    def later(column: rotation.Column, changed: list[tuple[bytes, object, bytes]]) -> int:
        if not raced and column.label == "clinic.upload.content":
            raced.append(1)
            row.content = b"newer"
            row.save()
        return swap(column, changed)

    monkeypatch.setattr(rotation, "_swap", later)
    done = rotation.reseal()
    assert (raced, done.overtaken) == ([1], 1)
    assert Upload.objects.get().content == b"newer"
    assert list(rotation.uses()) == [keys.keyring().active]


@pytest.mark.django_db
def test_an_old_key_stays_while_anything_may_need_it(ring_file: Path) -> None:
    """Within the grace, and while a value uses it, --retire refuses and says why."""
    upload("one")
    old = keys.keyring().active
    rotation.begin()
    rotation.begin()
    assert len(keys.keyring().keys) == 2, "a rotation under way is gone on with"
    with pytest.raises(rotation.NotYetError, match="seconds old"):
        rotation.retire()
    with pytest.raises(rotation.NotYetError, match=f"{old} still seals 1 of clinic.upload"):
        rotation.retire(grace=0)
    rotation.reseal()
    assert rotation.retire(grace=0) == [old]
    assert list(keys.keyring().keys) == [keys.keyring().active]
    assert Upload.objects.get().content == b"one"


@pytest.mark.django_db
def test_a_broken_value_is_told_and_keeps_its_key(ring_file: Path) -> None:
    """Damage is not turned into silence: the place is named, the key is not thrown away."""
    good, bad = upload("good"), upload("bad")
    column = next(c for c in rotation.columns() if c.label == "clinic.upload.content")
    content = Upload.objects.get(pk=bad.pk).__dict__["content"].content
    raw = next(
        pk
        for batch in rotation._batches(column, "nothing!")
        for pk, value, _ in batch
        if value == content
    )
    assert rotation._swap(column, [(content[:-1] + bytes([content[-1] ^ 1]), raw, content)]) == 1
    rotation.begin()
    done = rotation.reseal()
    assert done.broken == [f"clinic.upload.content:{bad.pk}"]
    with pytest.raises(rotation.NotYetError, match="still seals 1"):
        rotation.retire(grace=0)
    assert Upload.objects.get(pk=good.pk).content == b"good"
    with pytest.raises(SealBrokenError):
        _ = Upload.objects.get(pk=bad.pk).content


def test_every_sealed_key_of_files_is_registered() -> None:
    """T-33: a column called sealed_key that a rotation would not find fails here."""
    assert large.unregistered() == []


@pytest.mark.django_db
def test_the_command_says_what_it_did(ring_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every column with its number, and what comes next."""
    upload("one")
    monkeypatch.setattr("hematon.portal.operate.set_up", lambda: None)
    done = CliRunner().invoke(portal, ["--dir", str(ring_file.parent), "rotate-keys"])
    assert done.exit_code == 0, done.output
    assert re.search(r"sealed anew\s+1\s+clinic\.upload\.content", done.output)
    soon = CliRunner().invoke(portal, ["--dir", str(ring_file.parent), "rotate-keys", "--retire"])
    assert soon.exit_code == 1
    assert "seconds old" in soon.output


def test_the_secret_key_changes_in_two_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between them the old secret still opens sessions: it is a fallback; afterwards it is gone."""
    secret = tmp_path / "secret-key"
    secret.write_text("0123456789" * 6)
    secret.chmod(0o600)
    monkeypatch.setenv("HEMATON_PORTAL_DIR", str(tmp_path))
    monkeypatch.delenv("HEMATON_SECRET_KEY_FILE", raising=False)
    # The tests' own settings are not on the path of a program.
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    program = [sys.executable, "-c", "from hematon.cli import main; main()"]
    run = [*program, "portal", "--demo", "--dir", str(tmp_path), "new-secret-key"]
    subprocess.run(run, check=True, capture_output=True)
    file = str(Path(hematon.portal.__file__).parent / "settings.py")
    made = runpy.run_path(file)
    assert made["SECRET_KEY_FALLBACKS"] == ["0123456789" * 6]
    assert made["SECRET_KEY"] not in made["SECRET_KEY_FALLBACKS"]
    twice = subprocess.run(run, check=False, capture_output=True, text=True)
    assert twice.returncode == 1
    assert "--forget-old" in twice.stderr
    subprocess.run([*run, "--forget-old"], check=True, capture_output=True)
    assert runpy.run_path(file)["SECRET_KEY_FALLBACKS"] == []
    assert secret.stat().st_mode & 0o777 == 0o600
