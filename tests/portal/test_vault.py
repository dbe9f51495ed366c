"""T-32, T-33, T-50: what is encrypted opens with its key, at its place, and nowhere else."""

from __future__ import annotations

import importlib
import json
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from hematon.portal.accounts.models import User
from hematon.portal.clinic.models import Upload
from hematon.portal.vault import fields, keys, sealing
from hematon.portal.vault.sealing import SealBrokenError

PLACE = "model.field:1"
CANARY = b"canary-4f1d Lucia Example 12 platelets"


@pytest.fixture
def ring_file(tmp_path: Path, settings: Settings) -> Path:
    """A key ring of its own."""
    file = tmp_path / "keyring.json"
    keys.write_keyring(file, keys.new_keyring())
    settings.KEYRING_FILE = file
    return file


@given(plain=st.binary(max_size=300), place=st.text(max_size=40))
def test_what_is_sealed_opens_at_its_place(plain: bytes, place: str) -> None:
    """For every content and every place; and it is never the same twice."""
    first, second = sealing.seal(plain, place), sealing.seal(plain, place)
    assert sealing.unseal(first, place) == sealing.unseal(second, place) == plain
    assert first != second


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    """T-32: in the version, the key's name, the nonce, the content or the tag."""
    sealed = sealing.seal(CANARY, PLACE)
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    changed = bytearray(sealed)
    changed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(SealBrokenError):
        sealing.unseal(bytes(changed), PLACE)


@given(cut=st.integers(0, 60))
def test_any_cut_is_refused(cut: int) -> None:
    """A value that lost its end, or all of itself, opens nowhere."""
    with pytest.raises(SealBrokenError):
        sealing.unseal(sealing.seal(CANARY, PLACE)[:cut], PLACE)


def test_another_place_is_refused_and_alarmed(caplog: pytest.LogCaptureFixture) -> None:
    """T-32: a value moved to another row is refused, and somebody hears of it."""
    sealed = sealing.seal(CANARY, PLACE)
    with pytest.raises(SealBrokenError) as caught:
        sealing.unseal(sealed, "model.field:2")
    assert caught.value.place == "model.field:2"
    assert [r.levelname for r in caplog.records] == ["CRITICAL"]
    assert "canary" not in caplog.text


def test_files_have_a_key_of_their_own() -> None:
    """A file opens with its own sealed key, at its place; neither half can be exchanged."""
    key, content = sealing.seal_large(CANARY, PLACE)
    other_key, other = sealing.seal_large(CANARY, PLACE)
    assert sealing.unseal_large(key, content, PLACE) == CANARY
    assert CANARY not in content
    for bad in [
        (other_key, content, PLACE),
        (key, other, PLACE),
        (key, content, "elsewhere"),
        (key, content[:-1], PLACE),
        (key, b"", PLACE),
    ]:
        with pytest.raises(SealBrokenError):
            sealing.unseal_large(*bad)


def test_a_new_key_seals_and_the_old_one_still_opens(ring_file: Path) -> None:
    """T-33: a ring that changed on disk is used at once, by processes that run."""
    before = sealing.seal(CANARY, PLACE)
    old = keys.keyring().active
    keys.write_keyring(ring_file, keys.keyring().with_new_key())
    after = sealing.seal(CANARY, PLACE)
    assert sealing.key_name(before) == old != sealing.key_name(after) == keys.keyring().active
    assert sealing.unseal(before, PLACE) == sealing.unseal(after, PLACE) == CANARY
    keys.write_keyring(ring_file, keys.keyring().without(old))
    with pytest.raises(SealBrokenError, match="not in the key ring"):
        sealing.unseal(before, PLACE)
    assert sealing.unseal(after, PLACE) == CANARY


def test_the_active_key_cannot_be_taken_away() -> None:
    """Nothing could be sealed any more."""
    ring = keys.new_keyring()
    with pytest.raises(ValueError, match="active"):
        ring.without(ring.active)


def test_blind_index_finds_equals_in_one_use_alone(ring_file: Path) -> None:
    """Equal values meet in one column; across columns or rings nothing can be compared."""
    index = sealing.blind_index("ana|2019-03-14", "child")
    assert index == sealing.blind_index("ana|2019-03-14", "child")
    others = [
        sealing.blind_index("ana|2019-03-15", "child"),
        sealing.blind_index("ana|2019-03-14", "user"),
        sealing.blind_index("ana|2019-03-14", "child", keys.new_keyring()),
    ]
    assert index not in others


def test_ring_is_private_and_shows_no_key(ring_file: Path) -> None:
    """T-50: mode 0600, and printing a ring prints names."""
    assert stat.S_IMODE(ring_file.stat().st_mode) == 0o600
    held = json.loads(ring_file.read_text())
    for key in [*held["keys"].values(), held["index"], held["audit"]]:
        assert key not in repr(keys.keyring())


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (None, 0o600, "cannot be read"),
        ("{}", 0o644, "can be read by others"),
        ("{}", 0o600, "is not a key ring"),
        ("[", 0o600, "is not a key ring"),
        ('{"active": "a", "keys": {"a": "short"}, "index": "", "audit": ""}', 0o600, "not a key"),
    ],
)
def test_a_wrong_ring_stops_the_portal(
    ring_file: Path, text: str | None, mode: int, said: str
) -> None:
    """With the file and what to do, and without what is in it."""
    ring_file.unlink()
    if text is not None:
        ring_file.write_text(text)
        ring_file.chmod(mode)
    with pytest.raises(ImproperlyConfigured, match=said):
        keys.keyring()


def test_a_ring_names_its_active_key(ring_file: Path) -> None:
    """A ring whose active key is not in it is refused."""
    held = json.loads(ring_file.read_text())
    ring_file.write_text(json.dumps({**held, "active": "00000000"}))
    with pytest.raises(ImproperlyConfigured, match="active"):
        keys.read_keyring(ring_file)


@pytest.fixture
def uploads(db: None) -> list[Upload]:
    """Two rows with a sealed field."""
    user = User.objects.create_user("a@tests.invalid")
    at = datetime(2026, 3, 14, tzinfo=UTC)
    return [
        Upload.objects.create(user=user, session="s", kept_at=at, setting="x", content=content)
        for content in (CANARY, b"another")
    ]


def stored(upload: Upload) -> bytes:
    """Give what the database holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM clinic_upload WHERE setting = %s", [upload.setting])
        return bytes(cursor.fetchone()[0])


def test_a_field_is_closed_in_the_database_and_open_on_its_row(uploads: list[Upload]) -> None:
    """Through creating, reading, refreshing and saving again."""
    first = Upload.objects.get(pk=uploads[0].pk)
    assert CANARY not in stored(first)
    assert first.content == CANARY
    first.content = b"changed"
    first.save()
    uploads[0].refresh_from_db()
    assert uploads[0].content == b"changed"
    deferred = Upload.objects.defer("content").get(pk=first.pk)
    assert deferred.content == b"changed"


def test_a_field_that_was_not_opened_is_saved_as_it_was(uploads: list[Upload]) -> None:
    """Saving a row for another field neither opens nor seals again."""
    row = Upload.objects.get(pk=uploads[0].pk)
    row.setting = "one"
    row.save()
    before = stored(row)
    Upload.objects.get(pk=row.pk).save()
    assert stored(row) == before


def test_swapped_between_rows_is_refused(uploads: list[Upload]) -> None:
    """T-32: with both values whole and the key at hand."""
    one, two = (
        Upload.objects.filter(pk=u.pk).values_list("content", flat=True)[0] for u in uploads
    )
    Upload.objects.filter(pk=uploads[0].pk).update(content=two)
    Upload.objects.filter(pk=uploads[1].pk).update(content=one)
    for upload in uploads:
        with pytest.raises(SealBrokenError):
            _ = Upload.objects.get(pk=upload.pk).content


def test_nothing_gets_past_a_sealed_field(uploads: list[Upload]) -> None:
    """It cannot be set in the open, searched, or written into a dump."""
    with pytest.raises(FieldError, match="sealed"), transaction.atomic():
        Upload.objects.update(content=b"open")
    with pytest.raises(FieldError, match="sealed"):
        Upload.objects.filter(content=CANARY).exists()
    with pytest.raises(FieldError, match="sealed"):
        Upload._meta.get_field("content").value_to_string(uploads[0])
    assert Upload.objects.filter(content__isnull=False).count() == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (fields.SealedText(), "Ñandú 🩸"),
        (fields.SealedDate(), date(2020, 2, 29)),
        (fields.SealedJSON(), {"b": [1, 2.5, None, True], "a": "é"}),
    ],
)
def test_each_kind_comes_back_as_it_was(field: fields.SealedField, value: object) -> None:
    """Texts, dates and JSON, through their bytes."""
    assert field.to_value(field.to_bytes(value)) == value


def test_what_limits_are_counted_by_is_not_in_the_cache() -> None:
    """T-29: neither the network address of a family nor a code stands in the cache's table."""
    real = importlib.import_module("hematon.portal.settings").CACHES["default"]
    assert real["KEY_FUNCTION"] == "hematon.portal.vault.sealing.cache_key"
    kept = LocMemCache("of-this-test", {"KEY_FUNCTION": real["KEY_FUNCTION"]})
    kept.set("allauth:rl:code_sent:ip:203.0.113.7", [1.0], 60)
    assert kept.get("allauth:rl:code_sent:ip:203.0.113.7") == [1.0]
    assert kept.get("allauth:rl:code_sent:ip:203.0.113.8") is None
    assert "203.0.113.7" not in str(list(kept._cache))
