"""Two hundred families and ten staff for half an hour; then a burst of sendings. Prints figures.

    python tools/prove_load.py                                   30 minutes, and the burst
    python tools/prove_load.py --minutes 3 --burst 100 --burst-seconds 12 --shared
                                                                 the form for every build
    python tools/with_postgres.py python tools/prove_load.py     the same on PostgreSQL

gunicorn with deploy/gunicorn.conf.py (workers times threads as shipped) and the worker serve a
portal in use, with a mail server that takes 20 ms and a scanner on this machine. The families and
staff of `load_people.py` are threads of this process: they share the cores with what they measure,
as does everything else on the machine; its load average is printed with the figures. nginx and TLS
are not in front; each request comes on a connection of its own, as from nginx.

What is done and how long people think is in `load_people.py`: MIX and THINK. They arrive within two
minutes (a third of a shorter run), sign in and go on with what they began; times are printed from
then on, errors are counted from the start. After that, `--burst` drafts that
are complete are sent within a minute. Then everything that was shown is looked for (T-36, T-37,
T-38): every reference, file and message is there once, and the audit's chain is whole.

Exit code 1 if there was an answer of 500 or above, a request without an answer, a line about a lock
in the log, something shown and not there; or, unless --shared says that others use the machine, if
a goal of speed or memory is missed: p99 600 ms, 2 s in the burst, memory up by less than 5 percent
from a third of the time to its end.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import load_people
import real_portal
import visitor
from load_people import Day, Family, Noted, Person, Staff, Time
from machine import Memory, busy, machine, used
from real_portal import Mail, Processes
from visitor import Browser

P99, P99_BURST, GROWTH = 0.6, 2.0, 0.05
LOCKED = re.compile(r"database is locked|OperationalError|deadlock|could not serialize", re.I)
_draw = secrets.SystemRandom()


def a_pdf(kilobytes: int) -> bytes:
    """Give a PDF of about that size: a line of counts and a picture that does not compress."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    side = max(16, round((kilobytes * 1000 / 3) ** 0.5))
    picture = Image.frombytes("RGB", (side, side), os.urandom(side * side * 3))
    out = BytesIO()
    canvas = Canvas(out, pageCompression=1)
    canvas.drawString(72, 720, "HGB 7.9 g/dL 11.5 - 14.5")
    canvas.drawImage(ImageReader(picture), 72, 300, 400, 400)
    canvas.save()
    return out.getvalue()


def people(asked: argparse.Namespace, day: Day, mail: Mail, arrive: float) -> list[Person]:
    """Make everyone; they arrive evenly over some seconds."""
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    from hematon.portal.accounts.models import Role, StaffRole, User

    pdf = a_pdf(asked.kilobytes)
    families: list[Person] = [Family(i, day, mail, pdf) for i in range(asked.families)]
    staff: list[Person] = []
    for i in range(asked.staff):
        email, secret = f"staff-{i}@{visitor.HOST}", generate_totp_secret()
        user = User.objects.create_user(email, load_people.PASSWORD)
        StaffRole.objects.create(user=user, role=Role.INTAKE)
        TOTP.activate(user, secret)
        staff.append(Staff(i, day, email, secret))
    for group in (families, staff):
        for i, person in enumerate(group):
            person.late = arrive * i / len(group)
    return [*families, *staff]


def complete_drafts(many: int) -> list[tuple[str, str, str]]:
    """Make drafts with every answer given.

    Returns:
        The address of the family, the id and the mark of each.
    """
    from django.utils import timezone

    from hematon.portal.accounts.models import Kind as UserKind
    from hematon.portal.accounts.models import User
    from hematon.portal.care import asking, sending, tasks
    from hematon.portal.care.status import Kind

    made = []
    for i in range(many):
        address, mark, at = f"burst-{i}@{visitor.HOST}", secrets.token_hex(8), timezone.now()
        user = User.objects.create_without_password(address, UserKind.FAMILY)
        case = asking.begin(kind=Kind.LEARN_MORE, sender=user, language="en", where="", at=at)
        for task in tasks.tasks_of(case.kind):
            for question in task.questions:
                answer = visitor.answer_to(question.key, mark)
                sending.save_answer(case=case, question=question.key, answer=answer, at=at)
        made.append((address, str(case.pk), mark))
    return made


def signed_in(address: str, port: int, number: int) -> Browser:
    """Give a browser in which a family signed in, without the mail: the burst is not about it."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.utils import timezone

    from hematon.portal.accounts.models import BrowserSession, User

    user = User.objects.with_address(address)
    assert user is not None
    at = timezone.now()
    row = BrowserSession.objects.create(
        user=user, browser="firefox", is_phone=False, began_at=at, seen_at=at
    )
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session.update(
        {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: user.get_session_auth_hash(),
            "signed_in_at": at.timestamp(),
            "seen_at": at.timestamp(),
            "browser_session": str(row.pk),
        }
    )
    session.create()
    cookies = {settings.SESSION_COOKIE_NAME: session.session_key}
    return Browser(port, f"10.3.{number // 250}.{number % 250 + 1}", cookies=cookies)


def burst(many: int, seconds: float, port: int) -> Noted:
    """Send so many drafts within some seconds, each at a moment of its own."""
    noted, drafts = Noted(), complete_drafts(many)
    browsers = [signed_in(address, port, i) for i, (address, *_rest) in enumerate(drafts)]
    moments = sorted(_draw.uniform(0, seconds) for _ in drafts)
    began = time.monotonic()

    def one(number: int) -> None:
        """Send one draft."""
        browser, (_address, pk, mark) = browsers[number], drafts[number]
        browser.watch, browser.kind = noted.watch, "burst"
        time.sleep(max(0, began + moments[number] - time.monotonic()))
        try:
            noted.references[load_people.send(browser, pk)] = mark
        except (visitor.GoneError, visitor.WrongError) as error:
            noted.wrong.append(str(error))

    with ThreadPoolExecutor(many) as pool:
        list(pool.map(one, range(many)))
    return noted


def missing(noted: Noted) -> dict[str, int]:
    """Look for everything that was shown."""
    from hematon.portal.audit.models import Event
    from hematon.portal.audit.verify import verify
    from hematon.portal.care.models import Case, Message
    from hematon.portal.files.models import StoredFile

    cases = {case.reference: case for case in Case.objects.exclude(reference=None)}
    answers = Counter(
        mark
        for case in cases.values()
        for mark in re.findall(r"\b[0-9a-f]{16}\b", str(case.answers))
    )
    names = Counter(stored.name for stored in StoredFile.objects.all())
    keys = Counter(Message.objects.values_list("key", flat=True))
    events = Counter(Event.objects.filter(action="case.sent").values_list("subject", flat=True))
    return {
        "references not there once": sum(
            reference not in cases
            or answers[mark] != 1
            or events[f"care.case:{cases[reference].pk}"] != 1
            for reference, mark in noted.references.items()
        ),
        "files not there once": sum(names[name] != 1 for name in noted.files),
        "messages not there once": sum(keys[key] != 1 for key in noted.messages),
        "breaks in the audit's chain": int(verify().bad is not None),
    }


def percentile(times: list[float], share: float) -> float:
    """Give the time within which this share was answered."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def table(times: list[Time]) -> None:
    """Print how long each kind took."""
    print(f"{'kind':16}{'requests':>9}{'5xx':>5}{'none':>6}{'p50':>7}{'p95':>7}{'p99':>7}   ms")
    kinds = [*sorted({one[0] for one in times}), ""]
    for kind in kinds:
        mine = [one for one in times if kind in ("", one[0])]
        took = [one[1] for one in mine]
        bad = sum(one[2] >= 500 for one in mine)
        none = sum(one[2] == 0 for one in mine)
        figures = "".join(f"{1000 * percentile(took, share):7.0f}" for share in (0.5, 0.95, 0.99))
        print(f"{kind or 'all':16}{len(mine):9}{bad:5}{none:6}{figures}")


def main() -> int:
    """Prove it and print the figures.

    Returns:
        0 when all holds, else 1.
    """
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--minutes", type=float, default=30)
    words.add_argument("--families", type=int, default=200)
    words.add_argument("--staff", type=int, default=10)
    words.add_argument("--burst", type=int, default=500, help="drafts sent within a minute")
    words.add_argument("--burst-seconds", type=float, default=60)
    words.add_argument("--kilobytes", type=int, default=2000, help="of a PDF that is sent")
    words.add_argument("--tempo", type=float, default=1, help="of the time that people think")
    words.add_argument("--shared", action="store_true", help="others use this machine too")
    asked = words.parse_args()
    with real_portal.made(slow_mail=0.02) as mail:
        return prove(mail, asked)


def prove(mail: Mail, asked: argparse.Namespace) -> int:
    """Run it in the portal that this process's environment names."""
    import django

    django.setup()
    from django.db import connection

    folder = Path(os.environ["HEMATON_PORTAL_DIR"])
    processes, noted, over = Processes(folder / "log"), Noted(), threading.Event()
    seconds = 60 * asked.minutes
    arrive = min(120.0, seconds / 3)
    everyone = people(asked, Day(processes.port, noted, over, asked.tempo), mail, arrive)
    connection.close()
    processes.start()
    real_portal.wait_until_it_answers(processes.port)
    memory = Memory(processes, over)
    pids = memory.pids.values()
    before, spent, all_spent = os.getloadavg()[0], sum(map(used, pids)), busy()
    mine = time.process_time()
    for person in everyone:
        person.start()
    memory.start()
    began = time.monotonic()
    time.sleep(seconds)
    over.set()
    for person in everyone:
        person.join(timeout=60)
    load = os.getloadavg()[0]
    took = time.monotonic() - began
    spent, mine = sum(map(used, pids)) - spent, time.process_time() - mine
    others = busy() - all_spent - spent - mine
    sent = burst(asked.burst, asked.burst_seconds, processes.port) if asked.burst else Noted()
    processes.stop()

    whole = Noted([*noted.times, *sent.times], {**noted.references, **sent.references})
    whole.files, whole.messages = noted.files, noted.messages
    lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    locked = sum(bool(LOCKED.search(line)) for line in lines)
    lost = missing(whole)
    print(
        f"{connection.vendor}, {machine()}; load average {before:.1f} before, {load:.1f} at the end"
    )
    print(
        f"{asked.families} families and {asked.staff} staff, {asked.minutes:g} minutes, arriving "
        f"over {arrive:.0f} s; gunicorn {gunicorn_shape()}"
    )
    for mix, think in (
        (load_people.MIX, load_people.THINK),
        (load_people.STAFF_MIX, load_people.STAFF_THINK),
    ):
        shares = ", ".join(f"{kind} {share}" for kind, share in mix.items())
        low, high = (asked.tempo * t for t in think)
        print(f"of a hundred acts: {shares}; thinking {low:g} to {high:g} s between two")
    print(f"a PDF has {asked.kilobytes} kB")
    settled = [one for one in noted.times if one[3] > began + arrive]
    early = [one for one in noted.times if one[3] <= began + arrive]
    print("from when everyone had arrived and signed in:")
    table(settled)
    slowest = 1000 * percentile([one[1] for one in early], 0.99)
    print(
        f"before that {len(early)} requests, p99 {slowest:.0f} ms, "
        f"{sum(one[2] >= 500 for one in early)} answers of 500 or above"
    )
    rate = len(noted.times) / seconds
    print(
        f"{rate:.1f} requests a second; {len(noted.references)} requests sent, {len(noted.files)} "
        f"files, {len(noted.messages)} messages"
    )
    print(
        f"server and worker took {1000 * spent / max(1, len(noted.times)):.0f} ms of processor for "
        f"a request, {spent / took:.2f} cores; the load itself {mine / took:.2f}; everything else "
        f"on the machine, the database's own processes too, {others / took:.2f}"
    )
    if asked.burst:
        print(f"burst: {asked.burst} drafts sent within {asked.burst_seconds:g} s")
        table(sent.times)
        print(f"{len(sent.references)} references shown of {asked.burst}")
    grew = 0.0
    for name in memory.pids:
        first, middle, last = memory.said(name)
        grew = max(grew, last / first - 1 if first else 0)
        print(f"{name} holds {first:.0f} MB after a third, {middle:.0f} MB half-way, {last:.0f} MB")
    print(f"lines about locks in the log: {locked}")
    for what, number in lost.items():
        print(f"{what}: {number}")
    wrong = noted.wrong + sent.wrong
    for line, times in Counter(wrong).most_common(10):
        print(f"wrong, {times} times: {line}")
    right = not (wrong or locked or any(lost.values()))
    fast = (
        percentile([one[1] for one in settled], 0.99) <= P99
        and percentile([one[1] for one in sent.times], 0.99) <= P99_BURST
        and grew <= GROWTH
    )
    if not right:
        print("\n".join(lines[-30:]))
    print(
        f"{'holds' if right else 'DOES NOT HOLD'}; speed and memory "
        f"{'within' if fast else 'BEYOND'} the goals"
    )
    return 0 if right and (fast or asked.shared) else 1


def gunicorn_shape() -> str:
    """Say how many processes and threads answer."""
    said: dict[str, object] = {}
    exec(real_portal.CONFIG.read_text(encoding="utf-8"), said)  # noqa: S102 our own file
    return f"{said['workers']} processes with {said['threads']} threads each"


if __name__ == "__main__":
    sys.exit(main())
