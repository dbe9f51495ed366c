"""Measure whether sign-in tells a known address from an unknown one, or from one of staff.

    python tools/prove_sign_in.py            200 tries of each; the figures of T-15
    python tools/prove_sign_in.py --tries 20

Runs a portal of its own in a folder that it deletes, on SQLite with the limits in the database as
in use. Exit 1 when a status, a text or a median says who has an account.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

MOST_MS = 20
PAGE = "/en/account/sign-in/"


def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tries", type=int, default=200)
    tries = parser.parse_args().tries
    with tempfile.TemporaryDirectory(prefix="hematon-sign-in-") as folder:
        from hematon.portal.serve import migrate, prepare

        os.environ.pop("HEMATON_DATABASE_URL", None)
        prepare(Path(folder), demo=True)
        migrate()
        return measure(tries)


def measure(tries: int) -> int:
    """Ask for codes in turn for each kind of address, each from a client of its own."""
    from django.conf import settings
    from django.core.mail.backends import locmem
    from django.test import Client

    from hematon.portal.accounts.models import Kind, User

    settings.EMAIL_BACKEND = f"{locmem.__name__}.EmailBackend"
    settings.ALLOWED_HOSTS = ["testserver"]
    from django.core import mail

    mail.outbox = []
    for n in range(tries):
        User.objects.create_without_password(f"known{n}@tests.invalid", Kind.FAMILY)
        User(email=f"staff{n}@tests.invalid").save()
    took: dict[str, list[float]] = {"known": [], "unknown": [], "staff": []}
    said: dict[str, set[tuple[Any, ...]]] = {kind: set() for kind in took}
    for n in range(-5, tries):
        for kind in took:
            address = f"{kind}{n}@tests.invalid"
            client = Client(REMOTE_ADDR=f"203.0.{n % 250}.{n % 7}")
            begun = perf_counter()
            answer = client.post(PAGE, {"address": address})
            if n < 0:
                continue  # The first ones load templates and connections.
            took[kind].append((perf_counter() - begun) * 1000)
            page = client.get(answer["Location"])
            text = re.sub(r'value="\w{64}"', "", page.content.decode()).replace(address, "")
            said[kind].add((answer.status_code, answer["Location"], page.status_code, text))
    medians = {kind: median(times) for kind, times in took.items()}
    gap = max(medians.values()) - min(medians.values())
    for kind, times in took.items():
        print(
            f"{kind:8} {len(times)} tries, median {medians[kind]:.2f} ms, most {max(times):.1f} ms"
        )
    alike = len(set.union(*said.values())) == 1
    print(f"largest gap of medians {gap:.2f} ms (at most {MOST_MS})")
    print(f"status and text equal: {'yes' if alike else 'NO'}")
    return 0 if alike and gap < MOST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
