"""The process group that `prove_crash.py` kills: server, worker, and staff who answer.

Run as a program it is the station: it loads the portal once and makes a group by fork for each line
`start` of its standard input; for `reap` it takes away what the killed left behind.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import real_portal
import visitor
from real_portal import Processes

STAFF = 2
INTAKE = f"intake@{visitor.HOST}"
LEASE = timedelta(seconds=5)
MOST_ANSWERS, MOST_SECONDS = 150, 15.0
"""A kill comes after one to so many answers of a round; so a slow machine is tried as hard."""
_SOONER = {"send notices": (1, 3), "look again at held files": (1, 3)}
"""Jobs that would come round too seldom for rounds of seconds."""
_SUBREAPER = 36
_draw = secrets.SystemRandom()


def station(port: int, noted: Path) -> None:
    """Load the program once; make the group by fork for each line that asks for it."""
    import django

    django.setup()
    from django.db import connections

    import hematon.portal.wsgi  # noqa: F401 loading it is the point

    # What the killed leave behind is ours to take away, not the machine's first process's.
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    for line in sys.stdin:
        if line.strip() == "start":
            connections.close_all()
            pid = os.fork()
            if pid == 0:
                _group(port, noted)
            os.setpgid(pid, pid)
            print(pid, flush=True)
        else:
            while True:
                try:
                    os.wait()
                except ChildProcessError:
                    break
            print("gone", flush=True)


def _group(port: int, noted: Path) -> None:
    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for part in (_work, *[lambda: _staff(noted)] * STAFF):
        if os.fork() == 0:
            part()
            os._exit(1)
    from gunicorn.app.wsgiapp import WSGIApplication

    sys.argv = ["gunicorn", "--config", str(real_portal.CONFIG), "--bind", f"127.0.0.1:{port}"]
    WSGIApplication().run()
    os._exit(1)


def _work() -> None:
    """Be the worker; only the times differ."""
    from hematon.portal.notify import sending
    from hematon.portal.operations import worker

    sending.LEASE = LEASE
    jobs = {job.name: job for job in worker.JOBS}
    for name, (seconds, longest) in _SOONER.items():
        jobs[name] = replace(jobs[name], seconds=seconds, longest=longest)
    worker.work(jobs=list(jobs.values()))


def _staff(noted: Path) -> None:
    """Answer what came in; note each answer once it is kept."""
    from django.db import transaction
    from django.utils import timezone

    from hematon.portal.accounts.models import User
    from hematon.portal.care import access, talking
    from hematon.portal.care.status import Kind
    from hematon.portal.notify.actions import enqueue
    from hematon.portal.notify.models import Kind as Notice

    user = User.objects.get(email=INTAKE)
    out = os.open(noted, os.O_WRONLY | os.O_APPEND)
    while True:
        time.sleep(_draw.uniform(0.05, 0.4))
        waiting = access.cases_for(user).exclude(kind=Kind.CALL).exclude(sender=None)
        case = waiting.filter(messages=None).order_by("?").first()
        if case is None or case.sender is None:
            continue
        key, at = secrets.token_urlsafe(24), timezone.now()
        with transaction.atomic():
            enqueue(
                key=f"proof:{key}",
                kind=Notice.MESSAGE_WAITING,
                user=case.sender,
                language="en",
                at=at,
            )
            talking.send_message(case=case, key=key, text=key, by=user, language="en", at=at)
        os.write(out, f"{key}\n".encode())


class Station:
    """The process that makes groups, as the proof sees it."""

    def __init__(self, port: int, noted: Path, log: Path) -> None:
        command = [sys.executable, __file__, str(port), str(noted)]
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True
            )

    def ask(self, word: str) -> str:
        """Send a word, give the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(word, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise SystemExit("the station died; see the log")
        return answer

    def end(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)


def one_round(
    station: Station,
    processes: Processes,
    answered: Callable[[], int],
    *,
    cold: bool,
    also: Callable[[], None] | None = None,
) -> float:
    """Start everything, let it live for a moment, kill all of it.

    Args:
        station: makes the group.
        processes: server and worker, for a start from nothing.
        answered: says how many requests were answered so far.
        cold: whether to start from nothing.
        also: kills something else, just before or just after.

    Returns:
        Seconds until it answered.
    """
    began = time.monotonic()
    if cold:
        processes.start()
        assert processes.server is not None
        assert processes.worker is not None
        group = processes.server.pid
    else:
        group = int(station.ask("start"))
    real_portal.wait_until_it_answers(processes.port)
    took = time.monotonic() - began
    enough, ends = answered() + _draw.randint(1, MOST_ANSWERS), time.monotonic() + MOST_SECONDS
    while answered() < enough and time.monotonic() < ends:
        time.sleep(0.002)
    time.sleep(_draw.uniform(0, 0.02))
    kills: list[Callable[[], None]] = [lambda: os.killpg(group, signal.SIGKILL)]
    kills.insert(_draw.randint(0, 1), also or (lambda: None))
    for kill in kills:
        kill()
        time.sleep(_draw.uniform(0, 0.05))
    if cold:
        for process in (processes.server, processes.worker):
            assert process is not None
            process.wait(timeout=60)
        wait_until_gone(group)
    else:
        station.ask("reap")
    return took


def wait_until_gone(group: int) -> None:
    """Wait until no process of a group is left: children of the killed die a little later."""
    for _ in range(3000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise SystemExit("a killed process did not go away")


if __name__ == "__main__":
    station(int(sys.argv[1]), Path(sys.argv[2]))
