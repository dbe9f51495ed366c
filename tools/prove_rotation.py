"""T-33: keys are changed under writers, with a kill -9 in the middle; prints what it measured.

    python tools/prove_rotation.py                           10,000 rows, 500 files, 20 writers
    python tools/prove_rotation.py --rows 400 --files 40 --writers 4

Writers own rows of their own and know what they last wrote, so a value that a rotation put back
would be seen. One write in three saves a row without opening it, which puts bytes of the old key
back: what a rotation has to look for again. With HEMATON_DATABASE_URL it runs on PostgreSQL
(`python tools/with_postgres.py python tools/prove_rotation.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import random  # noqa: TID251 - of a proof, not of the engine
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

import throwaway

RETIRE_AFTER = 5
"""Seconds instead of ten minutes: a writer here takes far less."""
THREADS = 5


def set_up() -> Any:
    """Set Django up, with a table that keeps sealed keys as files do."""
    import django

    django.setup()
    import uuid

    from django.db import models

    from hematon.portal.vault.large import sealed_key

    class ProofFile(models.Model):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        holder = models.UUIDField()
        sealed_key = models.BinaryField()

        class Meta:
            app_label = "operations"
            db_table = "proof_file"

    sealed_key(ProofFile, place=lambda pk, holder: f"proof:{holder}:{pk}", needs=("holder",))
    return ProofFile


def fill(files: Path, rows: int, many_files: int) -> None:
    """Make the rows and the files."""
    import uuid

    from django.db import connection
    from django.utils import timezone

    from hematon.portal.accounts.models import Address, Kind, User, address_index
    from hematon.portal.clinic.models import Upload
    from hematon.portal.vault.sealing import seal_large

    kept = set_up_model()
    with connection.schema_editor() as editor:
        editor.create_model(kept)
    user = User.objects.create_user("writer@proof.invalid", "a long enough password")
    half = rows // 2
    Upload.objects.bulk_create(
        [
            Upload(
                user=user,
                session=str(i),
                kept_at=timezone.now(),
                setting="0",
                content=f"row {i} version 0".encode(),
            )
            for i in range(rows - half)
        ],
        batch_size=500,
    )
    people = User.objects.bulk_create(
        [User(kind=Kind.FAMILY, email=None) for _ in range(half)], batch_size=500
    )
    Address.objects.bulk_create(
        [
            Address(user=p, text=f"family-{i}@proof.invalid", index=address_index(f"family-{i}"))
            for i, p in enumerate(people)
        ],
        batch_size=500,
    )
    files.mkdir()
    for i in range(many_files):
        pk, holder = uuid.uuid4(), uuid.uuid4()
        sealed, content = seal_large(f"file {i}".encode() * 500, f"proof:{holder}:{pk}")
        (files / str(pk)).write_bytes(content)
        kept.objects.create(id=pk, holder=holder, sealed_key=sealed)


_model: Any = None


def set_up_model() -> Any:
    """Give the table of files, made once."""
    global _model
    if _model is None:
        _model = set_up()
    return _model


def write(number: int, of: int, stop: Path, said: dict[str, Any]) -> None:
    """Change rows of one's own until told to stop; remember what was acknowledged."""
    from django.db import OperationalError, connection
    from django.utils import timezone

    from hematon.portal.accounts.models import User
    from hematon.portal.clinic.models import Upload

    draw = random.Random(number)  # noqa: S311
    user = User.objects.get(email="writer@proof.invalid")
    # Read once without opening anything; most of the sealed bytes held here grow old.
    mine = [u for u in Upload.objects.order_by("session") if int(u.session) % of == number]
    expected: dict[str, str] = {}
    writes = refused = 0
    while not stop.exists():
        held = draw.choice(mine)
        try:
            kind = draw.randrange(3)
            if kind == 0:
                row = Upload.objects.get(pk=held.pk)
                now = row.content.decode()
                known = expected.get(str(row.pk))
                if known is not None and known != now:
                    said["lost"] = said.get("lost", 0) + 1
                text = f"row {row.session} writer {number} version {writes}"
                row.content = text.encode()
                row.save()
                expected[str(row.pk)] = text
            elif kind == 1:
                row = Upload.objects.get(pk=held.pk)
                time.sleep(draw.random() / 10)
                row.setting = str(writes)
                row.save()
            else:
                text = f"row new writer {number} version {writes}"
                made = Upload.objects.create(
                    user=user,
                    session=str(number),
                    kept_at=timezone.now(),
                    setting="0",
                    content=text.encode(),
                )
                expected[str(made.pk)] = text
            writes += 1
        except OperationalError:
            refused += 1
        # Twenty families do not write as fast as a machine can.
        time.sleep(0.05 + draw.random() / 10)
    connection.close()
    said[f"expected-{number}"] = expected
    said["writes"] = said.get("writes", 0) + writes
    said["refused"] = said.get("refused", 0) + refused


def writers(first: int, many: int, of: int, stop: Path, out: Path) -> None:
    """Run some writers in this process."""
    set_up_model()
    said: list[dict[str, Any]] = [{} for _ in range(many)]
    threads = [Thread(target=write, args=(first + i, of, stop, said[i])) for i in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not all("writes" in one for one in said):
        raise SystemExit("a writer failed")
    out.write_text(json.dumps(said), encoding="utf-8")


def rotate(kill_after: int) -> None:
    """Rotate; with a number, be killed after so many batches."""
    set_up_model()
    from hematon.portal.operations import rotation

    left = [kill_after]

    def after_batch() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    rotation.begin()
    done = rotation.reseal(after_batch=after_batch)
    print(
        json.dumps(
            {
                "resealed": sum(done.resealed.values()),
                "overtaken": done.overtaken,
                "broken": len(done.broken),
            }
        )
    )


def prove(rows: int, files: int, many: int) -> int:
    """Run the proof in a portal of its own."""
    with throwaway.portal() as environment:
        os.environ.update(environment)
        folder = Path(environment["HEMATON_PORTAL_DIR"])
        kept = set_up_model()
        from django.db import connection

        from hematon.portal.accounts.models import Address
        from hematon.portal.clinic.models import Upload
        from hematon.portal.operations import rotation
        from hematon.portal.vault.keys import keyring
        from hematon.portal.vault.sealing import unseal_large

        fill(folder / "sealed", rows, files)
        old, stop, outs = keyring().active, folder / "stop", []
        running = []
        for first in range(0, many, THREADS):
            out = folder / f"writers-{first}.json"
            outs.append(out)
            words = [str(first), str(min(THREADS, many - first)), str(many), str(stop), str(out)]
            running.append(subprocess.Popen([sys.executable, __file__, "writers", *words]))
        time.sleep(3)
        batches = -(-rows // 2 // rotation.BATCH) + 1
        begun = time.monotonic()
        me = [sys.executable, __file__, "rotate"]
        killed = subprocess.run([*me, str(batches)], check=False, capture_output=True)
        middle = rotation.uses()
        killed_at = time.monotonic()
        again = subprocess.run([*me, "0"], check=True, capture_output=True, text=True)
        took = time.monotonic() - begun
        second = json.loads(again.stdout)
        time.sleep(RETIRE_AFTER)
        last = json.loads(subprocess.run([*me, "0"], check=True, capture_output=True).stdout)
        retired = []
        for _ in range(10):
            try:
                retired = rotation.retire(grace=RETIRE_AFTER)
                break
            except rotation.NotYetError:
                subprocess.run([*me, "0"], check=True, capture_output=True)
        time.sleep(2)
        stop.touch()
        failed = sum(process.wait() != 0 for process in running)
        said = [one for out in outs if out.exists() for one in json.loads(out.read_text())]
        expected = {
            k: v
            for one in said
            for name in one
            if name.startswith("expected-")
            for k, v in one[name].items()
        }
        found = {str(u.pk): u.content.decode() for u in Upload.objects.all()}
        wrong = sum(found.get(pk) != text for pk, text in expected.items())
        addresses = sum(a.text.endswith("@proof.invalid") for a in Address.objects.all())
        opened = sum(
            unseal_large(
                bytes(f.sealed_key),
                (folder / "sealed" / str(f.pk)).read_bytes(),
                f"proof:{f.holder}:{f.pk}",
            ).startswith(b"file ")
            for f in kept.objects.all()
        )
        used = rotation.uses()
        lost = sum(one.get("lost", 0) for one in said)
        print(f"database            {connection.vendor}")
        print(
            f"rows and files      {rows} and {files}; "
            f"{len(found) - rows + rows // 2} rows written new"
        )
        print(
            f"writers             {many}, {sum(o.get('writes', 0) for o in said)} writes, "
            f"{sum(o.get('refused', 0) for o in said)} refused, {failed} failed"
        )
        print(
            f"killed              signal {-killed.returncode}, {sum(middle.get(old, {}).values())} "
            f"values still under the old key, {killed_at - begun:.1f} s after the start"
        )
        print(
            f"resumed             {second['resealed']} values, {second['overtaken']} overtaken; "
            f"later pass {last['resealed']}; {took:.1f} s in all"
        )
        print(
            f"old key retired     {old in retired}; "
            f"values under it now {sum(used.get(old, {}).values())}"
        )
        print(f"readable            {len(found)} records, {addresses} addresses, {opened} files")
        print(f"wrong, lost         {wrong}, {lost}")
        right = (
            killed.returncode == -signal.SIGKILL
            and middle.get(old)
            and len(middle) == 2
            and second["broken"] == last["broken"] == 0
            and retired == [old]
            and list(used) == [keyring().active]
            and list(keyring().keys) == [keyring().active]
            and addresses == rows // 2
            and opened == files
            and not (wrong or lost or failed)
            and len(said) == many
        )
        print("proved" if right else "NOT PROVED")
        return 0 if right else 1


def main() -> int:
    """Run a part of the proof, or all of it."""
    if sys.argv[1:2] == ["writers"]:
        first, many, of, stop, out = sys.argv[2:]
        writers(int(first), int(many), int(of), Path(stop), Path(out))
        return 0
    if sys.argv[1:2] == ["rotate"]:
        rotate(int(sys.argv[2]))
        return 0
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("--rows", type=int, default=10_000)
    words.add_argument("--files", type=int, default=500)
    words.add_argument("--writers", type=int, default=20)
    given = words.parse_args()
    return prove(given.rows, given.files, given.writers)


if __name__ == "__main__":
    sys.exit(main())
