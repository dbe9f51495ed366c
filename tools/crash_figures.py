"""What `prove_crash.py` compares in the end: what pages showed with what is kept."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from real_portal import Mail

_MARK = re.compile(r"\b[0-9a-f]{16}\b")
_OF_A_NOTICE = re.compile(r"<[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}@")


@dataclass
class Request:
    """What a family knows of a request that it sent.

    Attributes:
        mark: stands in its text, and in no other.
        kind: what was asked.
        pk: id of the draft, where the address shows it.
        reference: as the page showed it; empty until then.
        files: name to hash and address, as the page listed them.
        messages: keys and texts that were acknowledged.
    """

    mark: str
    kind: str
    pk: str = ""
    reference: str = ""
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)


@dataclass
class Told:
    """What all families wrote down.

    Attributes:
        requests: that a reference was shown for.
        wrong: answers that no family should see.
        asked: how many requests were answered with each status; 0 is no answer.
        opened: how many files came back from their page as they were sent.
    """

    requests: list[Request] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    asked: Counter[int] = field(default_factory=Counter)
    opened: int = 0


def figures(told: Told, mail: Mail, noted: Path) -> tuple[dict[str, int], list[str]]:
    """Compare what was shown with what is there.

    Returns:
        What was found, by name; and the names of what must be none.
    """
    from django.db import connection
    from django.db.models import Count
    from django.utils import timezone

    from hematon.portal.audit.models import Event
    from hematon.portal.audit.verify import verify
    from hematon.portal.care.models import Case, Message
    from hematon.portal.care.status import Status
    from hematon.portal.files import actions, store
    from hematon.portal.files.models import State, StoredFile
    from hematon.portal.files.serve import opened
    from hematon.portal.notify.models import Notice
    from hematon.portal.notify.texts import message_id

    sent = list(Case.objects.exclude(status=Status.DRAFT).prefetch_related("steps"))
    texts = {case.pk: json.dumps(case.answers) for case in sent}
    by_reference: dict[str, list[Case]] = {}
    for case in sent:
        by_reference.setdefault(case.reference or "", []).append(case)
    marks = Counter(word for text in texts.values() for word in set(_MARK.findall(text)))
    lost = wrong = twice = 0
    for one in told.requests:
        found = by_reference.get(one.reference, [])
        lost += not found
        twice += len(found) > 1 or marks[one.mark] > 1
        wrong += bool(found) and (
            one.mark not in texts[found[0].pk]
            or one.pk not in ("", str(found[0].pk))
            or [s.status for s in found[0].steps.all()][:1] != [Status.RECEIVED]
        )
    events = Counter(Event.objects.filter(action="case.sent").values_list("subject", flat=True))
    unrecorded = sum(events[f"care.case:{case.pk}"] != 1 for case in sent)

    listed = [(name, *known) for one in told.requests for name, known in one.files.items()]
    by_name: dict[str, list[StoredFile]] = {}
    for stored in StoredFile.objects.exclude(state=State.REMOVED):
        by_name.setdefault(stored.name, []).append(stored)
    files_lost = files_twice = files_other = 0
    for name, digest, _link in listed:
        rows = by_name.get(name, [])
        files_lost += not rows
        files_twice += len(rows) > 1
        files_other += any(hashlib.sha256(opened(row)).hexdigest() != digest for row in rows)
    swept = actions.sweep(at=timezone.now() + timedelta(seconds=1), grace=timedelta(0))
    known = set(StoredFile.objects.exclude(stored_as="").values_list("stored_as", flat=True))
    left = {p.name for p in store.written_before(timezone.now() + timedelta(days=1))} - known

    messages = dict(Message.objects.values_list("key").annotate(Count("pk")))
    texts_of = {m.key: m.text for m in Message.objects.all()}
    mine = {key: text for one in told.requests for key, text in one.messages.items()}
    mine |= {key: key for key in noted.read_text(encoding="utf-8").split()}

    rows = list(Notice.objects.all())
    ids = Counter(mail.ids)
    owed = {message_id(row) for row in rows}
    owed_for_staff = {f"proof:{key}" for key in noted.read_text(encoding="utf-8").split()}
    verdict = verify()
    integrity = "ok"
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            integrity = cursor.fetchone()[0]
    found_figures = {
        "references shown": len(told.requests),
        "shown and not there": lost,
        "there twice, or its form kept twice": twice,
        "not as typed, or another's": wrong,
        "sent requests without exactly one line in the audit": unrecorded,
        "requests sent whose reference no one saw": len(sent) - len(told.requests),
        "files listed": len(listed),
        "listed and not there": files_lost,
        "kept twice": files_twice,
        "not byte for byte as sent": files_other,
        "contents without a row, taken away by the sweep": swept.orphans,
        "contents without a row after it": len(left),
        "rows without their content": swept.missing,
        "messages acknowledged": len(mine),
        "of them not there once, or another text": sum(
            messages.get(key) != 1 or texts_of[key] != text for key, text in mine.items()
        ),
        "rows of the audit": verdict.rows,
        "breaks in its chain": int(verdict.bad is not None),
        "pages of the database that are damaged": int(integrity != "ok"),
        "mails owed": len(rows),
        "answers of staff that owe no mail": len(owed_for_staff - {row.key for row in rows}),
        "owed and never received": len(owed - set(ids)),
        "received and not owed": len({i for i in ids if _OF_A_NOTICE.match(i)} - owed),
        "not stamped as sent": sum(row.sent_at is None for row in rows),
        "received again, same Message-ID": sum(ids[i] - 1 for i in owed if ids[i]),
        "most often one of them": max((ids[i] for i in owed), default=0),
        "answers that no one should see": len(told.wrong),
    }
    none_of = [
        "shown and not there",
        "there twice, or its form kept twice",
        "not as typed, or another's",
        "sent requests without exactly one line in the audit",
        "listed and not there",
        "kept twice",
        "not byte for byte as sent",
        "contents without a row after it",
        "rows without their content",
        "of them not there once, or another text",
        "breaks in its chain",
        "pages of the database that are damaged",
        "answers of staff that owe no mail",
        "owed and never received",
        "received and not owed",
        "not stamped as sent",
        "answers that no one should see",
    ]
    return found_figures, none_of
