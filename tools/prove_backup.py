"""T-39: backups while the portal writes and deletes, some killed with -9; every one is whole.

    python tools/prove_backup.py                      20 kills, 4 writers
    python tools/prove_backup.py --kills 3 --writers 2

A writer keeps a file, then the row that names it and its hash; or deletes a row, then its file.
Each backup that has its final name must restore, with a file of the right hash for every row and
the number of rows in its manifest. With HEMATON_DATABASE_URL it runs on PostgreSQL.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random  # noqa: TID251 - of a proof, not of the engine
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import throwaway

DEMO = [*throwaway.RUN, "portal", "--demo"]


def write(stop: Path, seed: int) -> None:
    """Keep and delete files with their rows, as the portal does, until told to stop."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import OperationalError
    from django.utils import timezone

    from hematon.portal.accounts.models import User
    from hematon.portal.clinic.models import Upload

    media = Path(settings.MEDIA_ROOT)
    media.mkdir(exist_ok=True)
    user, _ = User.objects.get_or_create(email=f"writer-{seed}@proof.invalid")
    draw, mine = random.Random(seed), []  # noqa: S311
    while not stop.exists():
        try:
            # People take longer than a second to change their mind.
            if len(mine) > 40 and draw.random() < 0.6:
                row = mine.pop(draw.randrange(len(mine) - 30))
                name = str(row.pk)
                row.delete()
                (media / name).unlink()
            else:
                pk, content = uuid.uuid4(), draw.randbytes(draw.randrange(200_000))
                held = media / f"{pk}.new"
                held.write_bytes(content)
                held.rename(media / str(pk))
                mine.append(
                    Upload.objects.create(
                        id=pk,
                        user=user,
                        session=hashlib.sha256(content).hexdigest(),
                        kept_at=timezone.now(),
                        setting="proof",
                        content=b"sealed " + str(pk).encode(),
                    )
                )
        except OperationalError:
            time.sleep(0.1)
        time.sleep(draw.random() / 20)


def check(folder: Path) -> int:
    """Count the rows of a restored portal; fail on a row whose file is missing or other."""
    import django

    django.setup()
    from django.conf import settings

    from hematon.portal.clinic.models import Upload

    for row in Upload.objects.all():
        content = (Path(settings.MEDIA_ROOT) / str(row.pk)).read_bytes()
        if hashlib.sha256(content).hexdigest() != row.session or not row.content:
            raise SystemExit(f"{folder}: the file of {row.pk} is not the one it was")
    print(Upload.objects.count())
    return 0


def prove(kills: int, writers: int) -> int:
    """Run the proof in a portal of its own."""
    draw = random.Random(1)  # noqa: S311
    with throwaway.portal() as environment, tempfile.TemporaryDirectory() as temporary:
        live, into = Path(environment["HEMATON_PORTAL_DIR"]), Path(temporary) / "backups"
        stop = Path(temporary) / "stop"
        running = [
            subprocess.Popen(
                [sys.executable, __file__, "write", str(stop), str(n)], env=environment
            )
            for n in range(writers)
        ]
        command = [*DEMO, "--dir", str(live), "backup", str(into)]
        time.sleep(3)
        begun = time.monotonic()
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        takes = time.monotonic() - begun
        killed = partial = 0
        for _ in range(kills):
            one = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            # Setting up takes most of it; kill in the part that copies.
            before = set(into.glob("*.partial"))
            while one.poll() is None and set(into.glob("*.partial")) <= before:
                time.sleep(0.001)
            time.sleep(draw.random() * takes / 10)
            one.kill()
            killed += one.wait() == -9
            partial += any(into.glob("*.partial"))
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        stop.touch()
        failed = sum(process.wait() != 0 for process in running)
        if any(into.glob("*.partial")):
            raise SystemExit("the last backup left a .partial behind")
        rows = []
        whole = sorted(into.iterdir())
        seconds = 0.0
        for made in whole:
            rows.append(_restore(made, live, Path(temporary), environment))
            seconds = max(seconds, rows[-1][1])
        print(
            f"database          "
            f"{'postgresql' if 'HEMATON_DATABASE_URL' in environment else 'sqlite'}"
        )
        print(f"writers           {writers}, {failed} failed")
        print(
            f"backups killed    {killed} of {kills} with -9, {partial} left as .partial and no more"
        )
        print(f"backups finished  {len(whole)}, each restored and looked over")
        print(
            f"rows in them      {', '.join(str(count) for count, _ in rows)}; 0 without their file"
        )
        print(f"seconds           {takes:.1f} for a backup, {seconds:.1f} at most for a restore")
        right = not failed and killed and rows[-1][0] > 0
        print("proved" if right else "NOT PROVED")
        return 0 if right else 1


def _restore(
    made: Path, live: Path, temporary: Path, environment: dict[str, str]
) -> tuple[int, float]:
    new = temporary / f"new-{made.name}"
    words = ["restore", str(made), "--into", str(new), "--keys", str(live / "keyring.json")]
    begun = time.monotonic()
    url = environment.get("HEMATON_DATABASE_URL")
    if url is None:
        subprocess.run([*DEMO, *words], env=environment, check=True, stdout=subprocess.DEVNULL)
        return _count(new, environment), time.monotonic() - begun
    with throwaway.other_database(url) as empty:
        words += ["--database-url", empty]
        subprocess.run([*DEMO, *words], env=environment, check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - begun
        return _count(new, {**environment, "HEMATON_DATABASE_URL": empty}), seconds


def _count(new: Path, environment: dict[str, str]) -> int:
    done = subprocess.run(
        [sys.executable, __file__, "check", str(new)],
        env={**environment, "HEMATON_PORTAL_DIR": str(new)},
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


def main() -> int:
    """Run a part of the proof, or all of it."""
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]))
        return 0
    if sys.argv[1:2] == ["check"]:
        return check(Path(sys.argv[2]))
    words = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    words.add_argument("--kills", type=int, default=20)
    words.add_argument("--writers", type=int, default=4)
    given = words.parse_args()
    os.environ.pop("HEMATON_DEMO", None)
    return prove(given.kills, given.writers)


if __name__ == "__main__":
    sys.exit(main())
