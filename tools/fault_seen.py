"""What must be seen of a fault: on the page, in the database and on the disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fault_portal import ROOT, Site
from fault_trials import WELL, Trial
from visitor import Answer

NOT_LOOKED_AT = {"accounts.StoredSession", "accounts.BrowserSession", "operations.JobRun"}
"""What reading and waiting write too."""
FOUND = re.search(
    r"proxy_read_timeout (\d+)s;", (ROOT / "deploy/nginx/hematon.conf").read_text(encoding="utf-8")
)
assert FOUND is not None
PATIENCE = int(FOUND[1])
"""Seconds that nginx waits for an answer, before it gives a page of its own."""


@dataclass(frozen=True)
class Asked:
    """An answer, and after how many seconds it came."""

    answer: Answer
    seconds: float


@dataclass(frozen=True)
class Kept:
    """What stands in the database and on the disk."""

    rows: dict[str, frozenset[str]]
    contents: frozenset[str]
    named: frozenset[str]

    @property
    def orphans(self) -> int:
        """Give how many contents no row names: the sweep of the hour deletes them."""
        return len(self.contents - self.named)


def kept() -> Kept:
    """Look at every table and at the folder of files."""
    from django.apps import apps
    from django.conf import settings
    from django.db import connection

    from hematon.portal.files.models import StoredFile

    connection.close()
    rows = {
        model._meta.label: frozenset(map(str, model._base_manager.values_list("pk", flat=True)))
        for model in apps.get_models()
        if model._meta.label not in NOT_LOOKED_AT
    }
    contents = {p.name for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()}
    named = set(StoredFile.objects.exclude(stored_as="").values_list("stored_as", flat=True))
    connection.close()
    return Kept(rows, frozenset(contents), frozenset(named))


def on_the_page(site: Site, trial: Trial, name: str, asked: Asked) -> Iterator[str]:
    """Give what is wrong with an answer."""
    answer = asked.answer
    expected = trial.expected.get(name, (WELL[name],))
    if answer.status not in expected:
        yield f"{name}: {answer.status}, and not {expected}"
    if asked.seconds >= PATIENCE:
        yield f"{name}: after {asked.seconds:.0f} s, when nginx has given up"
    if trial.shown.get(name, "") not in answer.text:
        yield f"{name}: the page does not say {trial.shown[name]!r}"
    if answer.status < 500 or name == "healthz":
        return
    for phone in ("555-0100", "555-0199", "911"):
        if f"tel:{phone}" not in answer.text:
            yield f"{name}: the page does not name {phone}"
    if answer.status != 500 and "Retry-After" not in answer.headers:
        yield f"{name}: no Retry-After"
    for leak in ("Traceback", "Error at", "sqlite", "psycopg", "canary", str(site.place)):
        if leak in answer.text:
            yield f"{name}: the page tells {leak}"
    for header in ("Content-Security-Policy", "X-Content-Type-Options", "Cache-Control"):
        if header not in answer.headers:
            yield f"{name}: no {header}"
    if name == "requests" and '<html lang="es">' not in answer.text:
        yield "requests: the page is not in Spanish"


def in_what_is_kept(before: Kept, after: Kept, acknowledged: dict[str, int]) -> Iterator[str]:
    """Give what was kept and not acknowledged, or acknowledged and not kept."""
    new = {t: len(after.rows[t] - before.rows[t]) for t in after.rows}
    gone = {t: len(before.rows[t] - after.rows[t]) for t in after.rows}
    if any(gone.values()):
        yield f"rows are gone: { {t: n for t, n in gone.items() if n} }"
    sent, filed = acknowledged["send"], acknowledged["file"]
    if new["care.Case"] != sent or new["care.Step"] != sent:
        yield f"{sent} requests acknowledged, {new['care.Case']} kept"
    if new["files.StoredFile"] != filed:
        yield f"{filed} files acknowledged, {new['files.StoredFile']} kept"
    if after.named - after.contents:
        yield f"{len(after.named - after.contents)} rows name a content that is not there"
    allowed = {"care.Case", "care.Step", "files.StoredFile", "audit.Event"}
    if acknowledged["code"]:
        allowed.add("accounts.MailedCode")
    more = {t: n for t, n in new.items() if n and t not in allowed}
    if more:
        yield f"rows that nothing was acknowledged for: {more}"


def in_the_records(key: str) -> Iterator[str]:
    """Give what is wrong with the request that was sent again, and with the audit."""
    from django.db import connection

    from hematon.portal.audit.verify import verify
    from hematon.portal.care.models import Case

    connection.close()
    found = Case.objects.filter(key=key).count()
    if found != 1:
        yield f"the request stands {found} times"
    bad = verify().bad
    if bad is not None:
        yield f"the audit is broken: {bad}"
    connection.close()


def in_the_log(log: str) -> Iterator[str]:
    """Give what the server's log tells of what was typed."""
    for leak in ("Sample parent", "303 555", "canary-of-the-engine", "@proof.invalid"):
        if leak in log:
            yield f"the server's log tells {leak}"
