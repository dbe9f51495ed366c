"""T-31: one fault at a time around a real server; each is told, nothing is half kept, it ends.

    python tools/prove_faults.py                                    SQLite
    python tools/prove_faults.py --postgres                         a PostgreSQL of its own
    python tools/prove_faults.py --only "disk full" --only cache

gunicorn with deploy/gunicorn.conf.py and the settings of a portal in use, in a folder of its own;
on a small disk of its own (tmpfs) where the user is root. While each fault lasts, a family opens a
page that explains and its own requests, sends a request that it had typed before, a file and its
address to sign in; staff open the engine's report on a record and the packet of a case; a clinician
previews a referral and opens the page from which it is sent. Then the fault ends and the same
request is sent again, until it is taken.

Prints for each fault what was answered and how long the slowest took, what was kept, after how many
seconds all was well, and what `hematon portal check` said meanwhile.
Exit code 1 when an answer, a row or a file is wrong. `tools/fault_trials.py` lists the faults,
`tools/fault_seen.py` what must be seen of each.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).parents[1]
for _place in (ROOT / "tests", ROOT / "tools"):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

# After the path is set; so are the others below.
import fault_seen  # noqa: E402
from fault_portal import SIGN_IN, Open, Site, running, small_disk  # noqa: E402
from fault_seen import Asked, kept  # noqa: E402
from fault_trials import WELL, Trial, trials  # noqa: E402
from machine import machine  # noqa: E402
from real_portal import wait_until_it_answers  # noqa: E402
from visitor import Answer, GoneError  # noqa: E402

BACK_WITHIN = 15.0
"""Seconds: a fault that ended and is still felt after that is not over by itself."""
COUNTS = b"date,HGB (g/dL),PLT (K/uL)\n2026-01-01,9.8,40\n"


def everything(site: Site, people: Open) -> dict[str, Callable[[], Answer]]:
    """Give what is asked while a fault lasts, in this order; sending apart."""
    referrer = site.browser(site.referrer)
    return {
        "explains": lambda: site.browser().get("/en/get-help-now/"),
        "requests": lambda: people.family.get("/es/requests/"),
        "file": lambda: people.family.send_file(
            people.files, {"upload": "1"}, "counts.csv", COUNTS, "text/csv"
        ),
        "code": lambda: people.asking.post(SIGN_IN, {"address": people.address}),
        "report": lambda: people.staff.get(people.report),
        "packet": lambda: people.staff.get(site.packet),
        "preview": lambda: referrer.get(f"{site.referral}preview/"),
        "refer": lambda: referrer.get(f"{site.referral}check/"),
        "healthz": lambda: site.browser().get("/healthz"),
    }


def timed(ask: Callable[[], Answer]) -> Asked:
    """Ask; what is not answered at all has status 0."""
    began = time.monotonic()
    try:
        answer = ask()
    except GoneError as error:
        answer = Answer(0, "", b"", str(error))
    return Asked(answer, time.monotonic() - began)


def tried(site: Site, trial: Trial) -> list[str]:
    """Make the fault, ask everything, end it, look at what is left.

    Returns:
        What is wrong.
    """
    wrong: list[str] = []
    people = site.opened(trial.calls)
    questions, before = everything(site, people), kept()
    asked: dict[str, Asked] = {}
    acknowledged = {"send": 0, "file": 0, "code": 0}
    with trial.during():
        for call in people.calls:
            asked["send"] = timed(call.send)
            if asked["send"].answer.status != 302:
                break
            acknowledged["send"] += 1
        asked |= {name: timed(ask) for name, ask in questions.items()}
        acknowledged["file"] = int(asked["file"].answer.status == 302)
        acknowledged["code"] = int(asked["code"].answer.status < 500)
        said = site.check() if trial.said else ""
        wrong += _held(trial.meanwhile)
    ended = time.monotonic()
    wait_until_it_answers(site.server.port, BACK_WITHIN)
    after = kept()
    for name in WELL:
        wrong += fault_seen.on_the_page(site, trial, name, asked[name])
    if trial.said and not re.search(trial.said, said):
        wrong.append(f"the check does not say {trial.said!r}: {said[-400:]}")
    wrong += fault_seen.in_what_is_kept(before, after, acknowledged)
    call = people.calls[0]
    while (again := timed(call.send).answer.status) != 302:
        if time.monotonic() - ended > BACK_WITHIN:
            wrong.append(f"after the fault the request is answered {again}")
            break
        time.sleep(0.1)
    back = time.monotonic() - ended
    wrong += fault_seen.in_the_records(call.key)
    notes: list[str] = []
    wrong += _held(lambda: notes.append(trial.after()))
    told = " ".join(f"{name}={one.answer.status}" for name, one in asked.items())
    print(
        f"{'WRONG' if wrong else 'ok   '} {trial.name:24} {told}\n"
        f"      kept {acknowledged['send']} requests and {acknowledged['file']} files, as "
        f"acknowledged; {after.orphans - before.orphans} contents await the sweep; the slowest "
        f"answer after {max(one.seconds for one in asked.values()):.1f} s; well after {back:.1f} "
        f"s; {'said by check' if trial.said else trial.unsaid}{''.join(notes)}",
        *(f"      {line}" for line in wrong),
        sep="\n",
        flush=True,
    )
    return wrong


def _held(claim: Callable[[], object]) -> list[str]:
    try:
        claim()
    except AssertionError as error:
        return [f"{error}"]
    return []


def prove(only: list[str]) -> int:
    """Run every trial on the database of the environment."""
    began, wrong, right, number = time.monotonic(), list[str](), 0, 0
    # With PostgreSQL the caller has mounted it, so that its data lie on the disk as well.
    given = os.environ.get("HEMATON_PROOF_DISK")
    with (
        nullcontext(Path(given)) if given else small_disk() as disk,
        running(disk) as site,
    ):
        print(
            f"{'SQLite' if site.url is None else 'PostgreSQL'}; "
            f"{'data on a tmpfs' if disk else 'no disk of its own'}; {machine()}"
        )
        for trial in trials(site):
            if only and trial.name != "none" and not any(word in trial.name for word in only):
                continue
            found = tried(site, trial)
            wrong += found
            number, right = number + 1, right + (not found)
        log = site.server.log.read_text(encoding="utf-8", errors="replace")
    leaks = list(fault_seen.in_the_log(log))
    for leak in leaks:
        print(leak)
    if wrong or leaks:
        print(log[-4000:])
    print(
        f"{right} of {number} right; {log.count('service fault')} faults in the log, "
        f"{len(leaks)} words of what was typed; {time.monotonic() - began:.0f} s"
    )
    return int(bool(wrong or leaks))


def main() -> int:
    """Run here, or again under a PostgreSQL whose data lie on the small disk."""
    options = argparse.ArgumentParser(description="Prove what happens when things fail.")
    options.add_argument("--postgres", action="store_true")
    options.add_argument("--only", action="append", default=[])
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not given.postgres:
        return prove(given.only)
    with small_disk() as disk:
        environment = dict(os.environ)
        if disk is not None:
            environment |= {"HEMATON_PROOF_DISK": str(disk), "TMPDIR": str(disk)}
        words = [w for name in given.only for w in ("--only", name)]
        run = [sys.executable, str(ROOT / "tools/with_postgres.py"), sys.executable, __file__]
        return subprocess.run([*run, *words], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
