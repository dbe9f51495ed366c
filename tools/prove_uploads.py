"""T-43: thousands of mutated files are sent; none crashes, each has one of the stated outcomes.

    python tools/prove_uploads.py                  10,000 files, two at a time; minutes
    python tools/prove_uploads.py --count 300      the short form
    python tools/with_postgres.py python tools/prove_uploads.py

Each file is a file of tests/hostile_files.py that was changed: bits flipped, bytes overwritten,
cut, repeated, spliced with another, renamed. Two processes take them into one portal of the
proof's own, as the portal's processes do (`files.actions.take`, one database, contents sealed on
the disk), and give back each one that was taken. Prints the outcomes, the crashes and the most
memory that a process ever held; exit code 1 if a file crashed, an outcome has no words, a process
reached 300 MB, or the database and the disk do not hold what was taken and nothing else. No scanner
is asked.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import throwaway

TESTS = str(Path(__file__).parents[1] / "tests")
if TESTS not in sys.path:
    sys.path.insert(0, TESTS)

# After the path is set.
from hostile_files import CORPUS  # noqa: E402

LARGEST_SEED = 300_000
MOST_KB = 300_000
WORKERS = 2
_TELLING = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0", b"\xff")
_ENDINGS = ("jpg", "png", "pdf", "csv", "json", "jpeg", "exe", "pdf.jpg", "")


def seeds() -> list[tuple[str, bytes]]:
    """Give the name and the bytes of every file that is small enough to change often."""
    return [(one.name, made) for one in CORPUS if 0 < len(made := one.made()) <= LARGEST_SEED]


def mutated(rng: np.random.Generator, pool: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Change a file in one to four ways."""
    name, content = pool[rng.integers(len(pool))]
    changed = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(max(len(changed), 1)))
        way = int(rng.integers(8))
        if way == 0 and changed:
            for place in rng.integers(len(changed), size=rng.integers(1, 30)):
                changed[place] ^= 1 << int(rng.integers(8))
        elif way == 1 and changed:
            changed[at : at + 20] = rng.bytes(int(rng.integers(1, 20)))
        elif way == 2:
            changed[at : at + 4] = _TELLING[rng.integers(len(_TELLING))]
        elif way == 3:
            # Often near the end, where most of a file is still there.
            del changed[int(len(changed) * (1 - rng.random() ** 3)) :]
        elif way == 4:
            piece = changed[at : at + int(rng.integers(1, 200))]
            changed[at:at] = piece * int(rng.integers(1, 50))
        elif way == 5:
            other = pool[rng.integers(len(pool))][1]
            changed[at:] = other[int(rng.integers(len(other))) :]
        elif way == 6:
            del changed[at : at + int(rng.integers(1, 50))]
        elif rng.random() < 0.3:
            name = f"file.{_ENDINGS[rng.integers(len(_ENDINGS))]}"
    return name, bytes(changed)


def outcome(name: str, content: bytes, at: datetime) -> str:
    """Take a file; give `taken` or the code of its refusal."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from hematon.portal.files import actions, serve
    from hematon.portal.files.actions import REFERRAL_LIMITS, Refused
    from hematon.portal.files.models import StoredFile

    try:
        stored = actions.take(
            holder=uuid.uuid4(),
            upload=SimpleUploadedFile("upload", content),
            name=name,
            by=None,
            at=at,
            limits=REFERRAL_LIMITS,
        )
    except Refused as refused:
        return refused.code
    # From the database and the disk, with its hash checked.
    serve.answer(StoredFile.objects.get(pk=stored.pk), serve.Purpose.SENDER)
    return "taken"


def run(*, count: int, seed: int, at: datetime) -> Counter[str]:
    """Take mutated files in this process; anything but an outcome is raised."""
    rng, pool = np.random.default_rng(seed), seeds()
    return Counter(outcome(*mutated(rng, pool), at) for _ in range(count))


def serve_lines() -> None:
    """Take files from standard input, each behind a line with its length and its name."""
    import django

    django.setup()
    source = sys.stdin.buffer
    while head := source.readline():
        length, name = head.split(b" ", 1)
        content = source.read(int(length))
        try:
            said = outcome(bytes.fromhex(name.decode()).decode(), content, datetime.now(UTC))  # noqa: TID251
        except Exception as error:  # what is being looked for
            said = f"crash {type(error).__name__}"
        print(said, flush=True)


def _worker(number: int, count: int, seed: int) -> tuple[Counter[str], int, float]:
    """Send files to a process of its own; give outcomes, peak memory in KB, the longest wait."""
    rng, pool = np.random.default_rng([seed, number]), seeds()
    command = [sys.executable, __file__, "--serve"]
    said: Counter[str] = Counter()
    longest = 0.0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        to, back = _pipes(process)
        for _ in range(count):
            name, content = mutated(rng, pool)
            began = time.monotonic()
            to.write(b"%d %s\n" % (len(content), name.encode("utf-8", "replace").hex().encode()))
            to.write(content)
            to.flush()
            word = back.readline().decode().strip() or "crash of the process"
            if word.startswith("crash"):
                # Some seeds hold the time they were made at: the bytes are what tells it again.
                place = Path(tempfile.gettempdir(), f"hematon-crash-{number}-{said.total()}")
                place.write_bytes(content)
                print(f"{word}: {place}, sent as {name!r}", flush=True)
            said[word] += 1
            longest = max(longest, time.monotonic() - began)
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        to.close()
    return said, int(peak.split()[1]), longest


def _pipes(process: subprocess.Popen[bytes]) -> tuple[Any, Any]:
    return process.stdin, process.stdout


def main() -> int:
    """Print the figures."""
    options = argparse.ArgumentParser(description="Prove that hostile uploads do no harm.")
    options.add_argument("--count", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=43)
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve:
        serve_lines()
        return 0
    # One portal, made before anybody asks it for anything.
    with throwaway.portal() as environment:
        os.environ |= environment
        return prove(given.count, given.seed)


def prove(count: int, seed: int) -> int:
    """Send so many files to the portal of the environment and print what came of them."""
    import django

    django.setup()
    from hematon.portal.files.kinds import WORDS

    began = time.monotonic()
    shares = [count // WORKERS] * (WORKERS - 1)
    shares.append(count - sum(shares))
    with ThreadPoolExecutor(WORKERS) as pool:
        done = list(pool.map(_worker, range(WORKERS), shares, [seed] * WORKERS))
    said = sum((one[0] for one in done), Counter[str]())
    peak = max(one[1] for one in done)
    crashes = sum(n for what, n in said.items() if what.startswith("crash"))
    unknown = sorted(set(said) - {"taken"} - set(WORDS))
    rows, contents = _held()
    for what, number in said.most_common():
        print(f"{number:6}  {what}")
    print(f"files      {count} of {len(CORPUS)} kinds, seed {seed}")
    print(f"crashes    {crashes}")
    print(f"no words   {', '.join(unknown) or 'none'}")
    print(f"kept       {rows} rows and {contents} contents, on {_database()}")
    print(f"memory     {peak / 1000:.0f} MB at most in a process that takes files")
    print(
        f"time       {time.monotonic() - began:.0f} s, {WORKERS} at a time; the longest "
        f"{max(one[2] for one in done):.1f} s"
    )
    wrong = crashes or unknown or peak >= MOST_KB or {rows, contents} != {said["taken"]}
    return int(bool(wrong))


def _held() -> tuple[int, int]:
    """Count what stands in the database and what lies on the disk."""
    from django.conf import settings

    from hematon.portal.files.models import StoredFile

    on_disk = sum(one.is_file() for one in Path(settings.MEDIA_ROOT).rglob("*"))
    return StoredFile.objects.exclude(stored_as="").count(), on_disk


def _database() -> str:
    """Name the database."""
    from django.db import connection

    return str(connection.vendor)


if __name__ == "__main__":
    sys.exit(main())
