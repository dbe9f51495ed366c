"""Who may do what with whose records, cell by cell: people x objects x acts, asked and judged.

What is expected is written here by hand, and asks nothing of the portal's own rules. Each cell is
asked by the very function, or at the very page, that decides it, and whatever it did is undone.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.db import transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone

from family_cast import linked
from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.care import access, sending, talking, working
from hematon.portal.care.models import Case
from hematon.portal.care.models.case import Band
from hematon.portal.care.refused import NotInThisState, NotPermitted
from hematon.portal.care.status import Kind, Stage, Status
from hematon.portal.families import access as families
from hematon.portal.families import actions as links
from hematon.portal.families import asking
from hematon.portal.families.models import Child, Granted, Guardianship, Proof, Relationship
from hematon.portal.families.record_number import set_record_number
from hematon.portal.files import serve, store
from hematon.portal.files.access import get_file
from hematon.portal.files.models import State, StoredFile
from hematon.portal.privacy.actions import break_glass
from hematon.portal.vault.sealing import seal_large
from hematon.portal.visits import access as visits
from hematon.portal.visits import whose
from hematon.portal.visits.models import Appointment, Slot
from visit_people import expert, rule

NOBODY: Final[frozenset[str]] = frozenset()
FAMILIES: Final = (
    "sender",
    "another family",
    "guardian",
    "guardian, limited",
    "guardian, ended",
    "guardian, locked",
    "guardian, expired",
    "guardian, not confirmed",
    "the child itself, 8",
    "the patient, 19",
    "parent of the patient, 19",
)
OUTSIDE: Final = ("referrer", "another referrer")
CLINICIANS: Final = (
    "clinician who owns",
    "clinician who reviews",
    "clinician of neither",
    "clinician in an emergency",
    "clinician whose emergency is over",
)
STAFF: Final = (
    *CLINICIANS,
    "intake",
    "intake, role taken away",
    "scheduler",
    "editor",
    "moderator",
    "administrator",
    "privacy",
    "no role",
)
PEOPLE: Final = (*FAMILIES, *OUTSIDE, *STAFF)
_ROLES: Final = {
    **dict.fromkeys(CLINICIANS, Role.CLINICIAN),
    **{role.value: role for role in Role if role is not Role.CLINICIAN},
}

INTAKE: Final = frozenset({"intake"})
SENDER: Final = frozenset({"sender"})
REFERRER: Final = frozenset({"referrer"})
TEAM: Final[dict[str, frozenset[str]]] = {
    "draft": NOBODY,
    # Owned and reviewed; and the one that was opened in an emergency.
    "question": INTAKE
    | {"clinician who owns", "clinician who reviews", "clinician in an emergency"},
    "call": INTAKE,
    # Nobody reviews them yet: any clinician may take them on.
    "opinion, waiting": INTAKE | set(CLINICIANS),
    "referral": INTAKE | set(CLINICIANS),
    "opinion, reviewed": INTAKE | {"clinician who reviews"},
}
"""Who of the staff works on which case."""
SENT_BY: Final[dict[str, frozenset[str]]] = {
    "draft": NOBODY,
    "question": SENDER,
    "call": NOBODY,
    "opinion, waiting": SENDER,
    "referral": REFERRER,
    "opinion, reviewed": SENDER,
}
"""Who sent which case; what was asked for without signing in has nobody."""
LINKED: Final = frozenset({"guardian", "guardian, limited"})
PATIENT: Final = frozenset({"the patient, 19"})


@dataclass
class World:
    """Everybody and everything; needs the database."""

    at: datetime
    people: dict[str, User] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    visits: dict[str, Appointment] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    waiting: Guardianship | None = None


Act = Callable[[World, User, str], object]
"""Does it, for a person, to an object by its name; raises or gives nothing when it may not be."""
Cell = tuple[str, str, Act, frozenset[str]]
"""An object, an act, how it is done, and who may."""


def build() -> World:
    """Make them."""
    world = World(at=timezone.now())
    for name in PEOPLE:
        world.people[name] = _person(name)
    _cases(world)
    _children(world)
    return world


def _person(name: str) -> User:
    address = f"{uuid.uuid4().hex}@objects.invalid"
    if name in FAMILIES:
        return User.objects.create_without_password(address, UserKind.FAMILY)
    if name in OUTSIDE:
        return User.objects.create_without_password(address, UserKind.REFERRER)
    user = User.objects.create_user(address, "a long enough password", name=f"Sample {name}")
    TOTP.activate(user, generate_totp_secret())
    if name in _ROLES:
        StaffRole.objects.create(user=user, role=_ROLES[name])
    elif "taken away" in name:
        StaffRole.objects.create(user=user, role=Role.INTAKE)
        user.roles.all().delete()
    return user


def _cases(world: World) -> None:
    person, at = world.people, world.at
    kinds = {
        "draft": (Kind.QUESTION, "sender"),
        "question": (Kind.QUESTION, "sender"),
        "opinion, waiting": (Kind.SECOND_OPINION, "sender"),
        "opinion, reviewed": (Kind.SECOND_OPINION, "sender"),
        "referral": (Kind.REFERRAL, "referrer"),
    }
    for name, (kind, sender) in kinds.items():
        case = sending.begin(kind=kind, sender=person[sender], language="en", at=at)
        if name != "draft":
            case = sending.send(case=case, seen=case.revision, at=at)
        world.cases[name] = case
    world.cases["call"] = sending.send_new(
        key=uuid.uuid4().hex, kind=Kind.CALL, answers=CALL, language="en", at=at
    )
    question, reviewed = world.cases["question"], world.cases["opinion, reviewed"]
    Case.objects.filter(pk=question.pk).update(
        owner=person["clinician who owns"], reviewer=person["clinician who reviews"]
    )
    Case.objects.filter(pk=reviewed.pk).update(reviewer=person["clinician who reviews"])
    for name, when in (("in an emergency", at), ("whose emergency is over", at - _HOUR)):
        break_glass(
            user=person[f"clinician {name}"],
            subject=question,
            reason=STAFF_ONLY["reason of an emergency"],
            at=when,
        )
    for name, case in world.cases.items():
        if name != "draft":
            for young in (False, True):
                talking.send_message(
                    case=case,
                    key=uuid.uuid4().hex,
                    text=STAFF_ONLY["message to the young person"] if young else TO_FAMILIES,
                    by=person["intake"],
                    language="en",
                    at=at,
                    confidential_to_minor=young,
                )
        case.refresh_from_db()
    _for_staff_alone(world, question)
    for name in ("question", "referral"):
        world.files[name] = _file(world.cases[name], person["sender"], at)
    held = _file(world.cases["question"], person["sender"], at)
    StoredFile.objects.filter(pk=held.pk).update(state=State.HELD, scanned_at=None)
    removed = _file(world.cases["question"], person["sender"], at)
    StoredFile.objects.filter(pk=removed.pk).update(state=State.REMOVED, removed_at=at)
    world.files |= {"held": held, "removed": removed}


def _for_staff_alone(world: World, case: Case) -> None:
    """Write into every place of a case that no family reads."""
    nurse, at = world.people["intake"], world.at
    talking.write_note(case=case, text=STAFF_ONLY["note"], by=nurse, at=at)
    case.refresh_from_db()
    case = working.move_band(
        case=case,
        band=Band.SAME_DAY,
        reason=STAFF_ONLY["reason of a move"],
        by=nurse,
        at=at,
        seen=case.revision,
    )
    case.basis = {"facts": [STAFF_ONLY["basis of the reading order"]]}
    case.save(update_fields=["basis"])


STAFF_ONLY: Final = {
    "note": "canary-note-1f",
    "reason of a move": "canary-move-2f",
    "basis of the reading order": "canary-basis-3f",
    "reason of an emergency": "canary-emergency-4f",
    "message to the young person": "canary-young-5f",
    "reason of a link's end": "canary-link-6f",
}
"""What staff write and families must not read, by what it is."""
TO_FAMILIES: Final = "canary-for-families-7f"
_HOUR: Final = timedelta(minutes=60)
CALL: Final[dict[str, Any]] = {
    "relationship": "parent",
    "name": "Sample Adult",
    "phone": "+1 303 555 0100",
    "time": "morning",
    "language": "en",
    "other_language": "",
    "interpreter": False,
    "about": "other",
    "note": "",
    "counts": {},
}


def _file(case: Case, by: User, at: datetime) -> StoredFile:
    content = b"sample,1"
    stored = StoredFile(
        holder=case.pk,
        step="records",
        name="sample.csv",
        kind="csv",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        state=State.CLEAN,
        taken_at=at,
        taken_by=by,
        scanned_at=at,
    )
    stored.sealed_key, sealed = seal_large(content, stored.place)
    stored.stored_as = store.write(sealed)
    stored.save(force_insert=True)
    return stored


def _children(world: World) -> None:
    person, at = world.people, world.at
    nurse, before = person["intake"], at - timedelta(days=400)
    eight = date(at.year - 8, 1, 15)
    first = linked(person["guardian"], nurse, born=eight, at=before)
    child = world.children["child"] = first.child

    def link(name: str, **other: Any) -> Guardianship:
        return linked(person[name], nurse, **{"child": child, "born": eight, "at": before, **other})

    link("guardian, limited", granted=Granted.LIMITED)
    ended, locked = link("guardian, ended"), link("guardian, locked")
    links.end(link=ended, reason=STAFF_ONLY["reason of a link's end"], by=nurse, at=at)
    link("guardian, expired", expires_at=at - timedelta(seconds=1))
    own = link("the child itself, 8")
    # No page and no act makes such a link before the age of one's own access; it gives nothing.
    Guardianship.objects.filter(pk=own.pk).update(relationship=Relationship.PATIENT)
    Guardianship.objects.filter(pk=locked.pk).update(locked_at=at)
    asked = asking.Asked("Sample Adult", Relationship.PARENT, "Sample Child", eight, "CO")
    world.waiting = asking.request(
        asked=asked, by=person["guardian, not confirmed"], language="en", at=before
    )
    nineteen, then = date(at.year - 19, 1, 15), at - timedelta(days=5 * 365)
    parent = linked(person["parent of the patient, 19"], nurse, born=nineteen, at=then)
    world.children["patient"] = parent.child
    linked(
        person["the patient, 19"],
        nurse,
        child=parent.child,
        born=nineteen,
        relationship=Relationship.PATIENT,
        at=before,
    )
    opening = rule(expert(), at)
    for n, (name, of) in enumerate(world.children.items()):
        begins = at + timedelta(days=5, hours=n)
        slot = Slot.objects.create(
            rule=opening,
            clinician=opening.clinician,
            starts_at=begins,
            ends_at=begins + timedelta(minutes=30),
            kind="video",
            interpreter_hours=48,
            state="booked",
        )
        world.visits[name] = Appointment.objects.create(
            slot=slot,
            child_id=of.pk,
            guardian=person["guardian"],
            kind="video",
            page_language="en",
            language="en",
            other_language="",
            interpreter=False,
            location_state="CO",
            status="booked",
            with_whom="Sample Adult",
            phone="",
            note="",
            made_at=at,
        )


# --- acts on a case -------------------------------------------------------------------------------


def _fresh(world: World, name: str) -> Case:
    return Case.objects.get(pk=world.cases[name].pk)


def _messages(world: World, user: User, name: str, *, young: bool) -> bool:
    found = access.messages_for(user, world.cases[name])
    return found.filter(confidential_to_minor=young).exists()


def _write(world: World, user: User, name: str) -> object:
    return talking.send_message(
        case=_fresh(world, name),
        key=uuid.uuid4().hex,
        text="Sample text",
        by=user,
        language="en",
        at=world.at,
    )


def _worked(act: Callable[..., Case], **how: Any) -> Act:
    def do(world: World, user: User, name: str) -> object:
        case = _fresh(world, name)
        given = {key: world.people.get(v, v) if key == "to" else v for key, v in how.items()}
        return act(case=case, by=user, at=world.at, seen=case.revision, **given)

    return do


def _own_file(world: World, user: User, name: str) -> object:
    """Open a file as every page of files does: the case, then the file of that case."""
    case = access.get_case(user, world.cases[name].pk)
    return case and serve.answer(get_file(case.pk, world.files[name].pk), serve.Purpose.CARE)


def _file_of_another(world: World, user: User, name: str) -> object:
    """Ask for the file of another case under the case that one may see."""
    other = "referral" if name != "referral" else "question"
    case = access.get_case(user, world.cases[name].pk)
    return case and get_file(case.pk, world.files[other].pk)


TEAM_ACTS: Final[dict[str, Act]] = {
    "read what is for the young person": lambda w, u, n: _messages(w, u, n, young=True),
    "write a note": lambda w, u, n: talking.write_note(
        case=_fresh(w, n), text="Sample", by=u, at=w.at
    ),
    "move on": _worked(working.step, status=Status.ACCEPTED),
    "reject": _worked(working.step, status=Status.REJECTED, reason="not-ours"),
    "say how far": _worked(working.move_stage, stage=next(iter(Stage))),
    "say that records are complete": _worked(working.complete_records),
    "assign": _worked(working.assign, to="intake"),
    "ask a reviewer": _worked(working.ask_reviewer, to="clinician of neither"),
    "move in the reading order": _worked(working.move_band, band=Band.FIRST, reason="Sample"),
}
BOTH_ACTS: Final[dict[str, Act]] = {
    "see": lambda w, u, n: access.get_case(u, w.cases[n].pk),
    "find in a list": lambda w, u, n: access.cases_for(u).filter(pk=w.cases[n].pk).exists(),
    "find by its reference": lambda w, u, n: (
        w.cases[n].reference and access.by_reference(u, str(w.cases[n].reference))
    ),
    "read messages": lambda w, u, n: _messages(w, u, n, young=False),
    "write a message": _write,
}


def _object_cells() -> Iterator[Cell]:
    for name in TEAM:
        for act, do in BOTH_ACTS.items():
            yield name, act, do, TEAM[name] | SENT_BY[name]
        for act, do in TEAM_ACTS.items():
            yield name, act, do, TEAM[name]
        take_back = _worked(working.step, status=Status.CANCELLED)
        yield name, "take back", take_back, SENT_BY[name]
        yield name, "go on with a draft", _draft, SENDER if name == "draft" else NOBODY
    yield from _child_cells()


def _draft(world: World, user: User, name: str) -> object:
    return access.get_draft(user, world.cases[name].pk, world.at)


# --- acts on a child, its links and its visits ----------------------------------------------------


def _confirm(world: World, user: User, name: str) -> object:
    assert world.waiting is not None
    links.confirm(
        link=Guardianship.objects.get(pk=world.waiting.pk),
        proof_kind=Proof.RECORD,
        granted=Granted.FULL,
        by=user,
        at=world.at,
    )
    return True


def _refuse(world: World, user: User, name: str) -> object:
    assert world.waiting is not None
    waiting = Guardianship.objects.get(pk=world.waiting.pk)
    links.refuse(link=waiting, reason="Sample reason", by=user, at=world.at)
    return True


def _child_cells() -> Iterator[Cell]:
    sees = {"child": LINKED, "patient": PATIENT}
    for name in ("child", "patient"):
        yield (
            name,
            "see",
            lambda w, u, n: families.get_child(u, w.children[n].pk, w.at),
            sees[name],
        )
        yield name, "see on staff pages", _staff_child, INTAKE
        yield (
            name,
            "stop everyone in a dispute",
            lambda w, u, n: links.lock(child=w.children[n], reason="Sample", by=u, at=w.at) + 1,
            INTAKE,
        )
        yield name, "set its record number", _number, INTAKE
        yield name, "ask for another adult", _ask_another, sees[name]
        yield name, "see its visit", _see_visit, sees[name]
        yield (
            name,
            "change its visit",
            lambda w, u, n: whose.may_act(u, w.children[n].pk, w.at),
            sees[name],
        )
        yield (
            name,
            "see its visit on staff pages",
            lambda w, u, n: visits.visit_for_staff(u, w.visits[n].pk),
            frozenset({"scheduler", *CLINICIANS}),
        )
    yield "child", "confirm a link", _confirm, INTAKE
    yield "child", "refuse a link", _refuse, INTAKE


def _staff_child(world: World, user: User, name: str) -> object:
    return families.staff_child(user, world.children[name].pk)


def _number(world: World, user: User, name: str) -> object:
    child = Child.objects.get(pk=world.children[name].pk)
    return set_record_number(child=child, number=f"Sample {name}", seen=child.record_index, by=user)


def _see_visit(world: World, user: User, name: str) -> object:
    return visits.get_visit(user, world.visits[name].pk, world.at)


def _ask_another(world: World, user: User, name: str) -> object:
    return asking.request_for_another(
        child=world.children[name],
        address=f"{uuid.uuid4().hex}@objects.invalid",
        adult_name="Sample Adult",
        relationship=Relationship.TRUSTED if name == "patient" else Relationship.PARENT,
        by=user,
        language="en",
        at=world.at,
    )


def _file_cells() -> Iterator[Cell]:
    for name in ("question", "referral"):
        may = TEAM[name] | SENT_BY[name]
        yield name, "open its file", _own_file, may
        yield name, "open a file of another case through it", _file_of_another, NOBODY
    for state in ("held", "removed"):
        for purpose in serve.Purpose:
            back = state == "held" and purpose is serve.Purpose.SENDER
            may = TEAM["question"] | SENT_BY["question"] if back else NOBODY
            yield state, f"open a {state} file, {purpose.value}", _in_state(purpose), may


def _in_state(purpose: serve.Purpose) -> Act:
    def do(world: World, user: User, name: str) -> object:
        case = access.get_case(user, world.cases["question"].pk)
        return case and serve.answer(get_file(case.pk, world.files[name].pk), purpose)

    return do


# --- pages ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """An address of one object.

    Attributes:
        method: how it is asked.
        address: with `{pk}`.
        of: which of `World`'s objects, by kind and name.
        may: whom it answers; every other family and colleague gets 404 or 403.
    """

    method: str
    address: str
    of: tuple[str, str]
    may: frozenset[str]


PAGES: Final = (
    *(
        Page(method, f"/en/requests/{{pk}}/{tail}", ("cases", "question"), SENDER)
        for method, tail in (
            ("GET", ""),
            ("HEAD", ""),
            ("GET", "sent/"),
            ("GET", "receipt.pdf"),
            ("POST", "reply/"),
            ("POST", "take-back/"),
        )
    ),
    *(
        Page(method, f"/en/requests/{{pk}}/{tail}", ("cases", "draft"), SENDER)
        for method, tail in (
            ("GET", "tasks/"),
            ("GET", "check/"),
            ("POST", "check/"),
            ("GET", "delete/"),
            ("POST", "delete/"),
        )
    ),
    Page("GET", "/en/requests/{pk}/", ("cases", "referral"), NOBODY),
    Page("GET", "/en/requests/{pk}/", ("cases", "call"), NOBODY),
    *(
        Page(method, f"/staff/cases/{{pk}}/{tail}", ("cases", case), who)
        for case, who in TEAM.items()
        for method, tail in (
            ("GET", ""),
            ("POST", "open/"),
            ("GET", "packet/"),
            ("GET", "assessment/"),
        )
    ),
    *(
        Page(method, f"/en/visits/{{pk}}/{tail}", ("visits", "child"), LINKED)
        for method, tail in (
            ("GET", ""),
            ("GET", "calendar/"),
            ("POST", "change/"),
            ("GET", "cancel/"),
            ("POST", "cancel/"),
            ("GET", "join/"),
        )
    ),
    Page("GET", "/en/visits/{pk}/", ("visits", "patient"), PATIENT),
    Page("GET", "/staff/children/{pk}/", ("children", "child"), INTAKE),
    Page(
        "GET",
        "/staff/schedule/visits/{pk}/",
        ("visits", "child"),
        frozenset({"scheduler", *CLINICIANS}),
    ),
    Page("GET", "/en/children/{pk}/another/", ("children", "child"), LINKED),
)


def browsers(world: World) -> dict[str, Client]:
    """Give everybody a browser in which they are signed in."""
    found = {}
    for name, user in world.people.items():
        found[name] = Client()
        found[name].force_login(user)
    return found


# --- asking ---------------------------------------------------------------------------------------


@dataclass
class Figures:
    """What came of asking.

    Attributes:
        asked: cells by level.
        wrong: each that was answered wrongly.
        allowed: how many of them were allowed; a table of refusals alone would prove little.
    """

    asked: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    allowed: int = 0

    def note(self, level: str, cell: str, *, may: bool, did: bool) -> None:
        """Count one cell."""
        self.asked[level] = self.asked.get(level, 0) + 1
        self.allowed += did
        if may != did:
            self.wrong.append(f"{cell}: {'refused' if may else 'allowed'}")


LEVELS: Final = frozenset({"object", "file", "page", "field"})


def ask_all(
    world: World, levels: Collection[str] = LEVELS, people: Collection[str] = PEOPLE
) -> Figures:
    """Ask every cell of every level and person, or of these; undo each."""
    # Thousands of refusals are what is asked for here.
    logging.disable(logging.WARNING)
    try:
        figures = Figures()
        if "object" in levels:
            _ask_acts(figures, world, "object", _object_cells(), people)
        if "file" in levels:
            _ask_acts(figures, world, "file", _file_cells(), people)
        known = {name: one for name, one in browsers(world).items() if name in people}
        if "page" in levels:
            _ask_pages(figures, world, known)
        if "field" in levels:
            _look_everywhere(figures, world, known)
        return figures
    finally:
        logging.disable(logging.NOTSET)


def _ask_acts(
    figures: Figures, world: World, level: str, cells: Iterable[Cell], people: Collection[str]
) -> None:
    for name, act, do, may in cells:
        for person in people:
            did = _does(do, world, person, name)
            figures.note(level, f"{person} / {name} / {act}", may=person in may, did=did)


def _ask_pages(figures: Figures, world: World, known: dict[str, Client]) -> None:
    for page in PAGES:
        kind, name = page.of
        address = page.address.format(pk=getattr(world, kind)[name].pk)
        for person in known:
            status, did = _answers(known[person], page.method, address)
            cell = f"{person} / {page.method} {page.address} of {name}: {status}"
            figures.note("page", cell, may=person in page.may, did=did)


def _look_everywhere(figures: Figures, world: World, known: dict[str, Client]) -> None:
    for person in known.keys() & {*FAMILIES, *OUTSIDE}:
        for address in _read_by_families(world):
            _look_through(figures, known[person], person, address)
    # Without this nothing above would be seen to be looked for in the right place.
    shown = known["sender"].get(f"/en/requests/{world.cases['question'].pk}/").content.decode()
    figures.note("field", "sender / the team's message", may=True, did=TO_FAMILIES in shown)


def _read_by_families(world: World) -> Iterator[str]:
    for language in ("en", "es"):
        for place in ("requests/", "children/", "visits/", "account/"):
            yield f"/{language}/{place}"
        for page in PAGES:
            if page.method == "GET" and page.address.startswith("/en/"):
                kind, name = page.of
                address = page.address.format(pk=getattr(world, kind)[name].pk)
                yield address.replace("/en/", f"/{language}/", 1)


def _look_through(figures: Figures, client: Client, person: str, address: str) -> None:
    cache.clear()
    with transaction.atomic():
        answer = client.get(address)
        content = b"".join(answer) if answer.streaming else answer.content
        transaction.set_rollback(True)
    for what, text in STAFF_ONLY.items():
        cell = f"{person} / {address} / {what}"
        figures.note("field", cell, may=False, did=text.encode() in content)


def _does(do: Act, world: World, person: str, name: str) -> bool:
    # As if read anew: nothing that an earlier cell looked up may answer this one.
    user = User.objects.get(pk=world.people[person].pk)
    with transaction.atomic():
        try:
            return bool(do(world, user, name))
        except (NotPermitted, links.NotPermitted, Http404):
            return False
        except NotInThisState:
            if name != "draft":
                raise
            # The team's acts do not know drafts, whoever asks.
            return False
        finally:
            transaction.set_rollback(True)


def _answers(client: Client, method: str, address: str) -> tuple[int, bool]:
    cache.clear()
    with transaction.atomic():
        status = client.generic(method, address).status_code
        transaction.set_rollback(True)
    # Anything else, a fault among it, is neither an answer nor a refusal.
    assert status in (200, 302, 403, 404, 409, 422), f"{method} {address}: {status}"
    return status, status not in (403, 404)
