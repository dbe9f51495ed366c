"""The journeys: every sealed column filled by the page on which a person fills it.

Each is a few steps as somebody takes them; what is not named is typed by `canaries.value_for`.
Where no word can be read in a column, `NOT_TYPED` says why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from canaries import picture_file
from canary_machine import code_in_the_last_mail
from canary_walk import Walker
from hematon.portal.accounts.models import User
from hematon.portal.care import tasks
from hematon.portal.care.ask_forms import RECORDS
from hematon.portal.care.models import Case
from hematon.portal.directory.actions import mint_review_link
from hematon.portal.directory.models import Expert
from hematon.portal.families.models import Child, Guardianship, Status
from hematon.portal.privacy.models import BreakGlass
from hematon.portal.visits.models import Appointment, Slot

NOT_TYPED: Final = {
    "accounts.factorsecret.content": "drawn by the portal: the secret of a code app",
    "care.case.basis": "the portal's own words: which signed thresholds fired",
    "counts.countspicture.picture": "sent by a page, then made anew from pixels: no word survives",
    "opinions.judgement.item": "the name of what was judged, chosen from the engine's own",
    "opinions.run.change": "the name of a count or finding, chosen, and a number",
    "opinions.run.document": "made by the engine: its report, which names nobody",
    "opinions.run.output": "made by the engine: the assessment, which names nobody",
    "opinions.signed.document": "made by the portal: a PDF, in which words are packed",
    "visits.appointment.room": "drawn by the portal: the name of the video room",
}
"""Sealed columns in which no canary can be read, and why. Their own bytes are searched instead."""

People = Mapping[str, Walker]
_REQUEST: Final[dict[str, dict[str, Any]]] = {
    "language": {"language": "en"},
    "symptoms": {"symptoms": ["bruises"]},
    "blood-count": {"blood_count": "file"},
    "records": {code: "later" for code, _ in RECORDS},
    "report": {"receiver": "doctor"},
}
_REFERRAL: Final[dict[str, dict[str, Any]]] = {
    "where": {"where": "CO"},
    "family": {"knows": "yes"},
    "urgency": {"urgency": "week"},
    "history": {"treatments": ["red_cell_transfusion"], "transfused_on": "2026-09-01"},
    "counts-way": {"way": "data"},
    "record": {"file": None, "go_on": ["yes"]},
}


def walk(people: People) -> None:
    """Take every journey, in the order in which one needs what another left."""
    _call_back(people["anonymous"])
    _counts(people["anonymous"])
    _review(people["anonymous"])
    _link(people["family"], people["intake"])
    asked = _ask(people["family"], "second-opinion")
    _ask(people["family"], "question")
    referred = _refer(people["clinician outside"])
    for case in (asked, referred):
        _work(people, case)
        _opinion(people, case)
    _assess(people["clinician"], referred)
    family, outside = people["family"], people["clinician outside"]
    family.do(f"/en/requests/{asked.pk}/", "/reply/")
    family.do(f"/en/requests/{asked.pk}/report/")
    outside.do(f"/clinicians/referrals/{referred.pk}/", "/reply/")
    outside.do(f"/clinicians/referrals/{referred.pk}/report/")
    _break_glass(people, asked)
    _visit(people["family"])
    people["clinician"].do(reverse("assess_record"), file=None)
    people["administrator"].do(reverse("change_rules", args=["ratings"]))
    people["intake"].do(f"{reverse('inbox')}?kind=question", "/filters/")
    _hospital_number(people["intake"])
    _change_address(people["another family"])


def _key(address: str) -> str:
    return address.partition("?")[0].rstrip("/").rpartition("/")[2]


def _answer(walker: Walker, here: str, end: str, said: Mapping[str, dict[str, Any]]) -> str:
    """Answer question after question, sending one file where files are asked for."""
    for _ in range(30):
        if here.endswith(end):
            return here
        key, page = _key(here), here
        if "file" in key and 'type="file"' in walker.text:
            walker.do(page, upload="1")
            here = walker.do(page, file=None)
        else:
            here = walker.do(page, keep=key == "confirm", **said.get(key, {}))
    raise AssertionError(f"{walker.person}: {here} does not end")


def _call_back(anonymous: Walker) -> None:
    here = anonymous.do(reverse("callback"))
    here = _answer(anonymous, here, "/check/", {"language": {"language": "en"}})
    anonymous.do(here)
    # Another is left where it is: its answers stay in the session.
    _answer(anonymous, anonymous.do(reverse("callback")), "/phone/", {})


def _counts(anonymous: Walker) -> None:
    anonymous.do(reverse("counts"))
    photo = picture_file(anonymous.record.canaries, "anonymous", "counts_upload", "photo")
    anonymous.do(reverse("counts_upload"), file=photo)


def _review(anonymous: Walker) -> None:
    on = timezone.localdate()
    expert = next(e for e in Expert.objects.all() if e.is_surveyed and e.is_listed(on))
    token = mint_review_link(expert=expert, family_key="proof", visited_on=on, on=on)
    here = anonymous.do(reverse("review", args=[token]))
    anonymous.do(_answer(anonymous, here, "/check/", {}))


def _link(family: Walker, intake: Walker) -> None:
    """A parent's link that staff confirm; another adult's that they refuse, with a reason."""
    family.do(reverse("ask_access"), relationship="parent")
    parent = Guardianship.objects.get()
    said = {"act": "confirm", "granted": "full", "until": "", "child": None}
    intake.do(reverse("access_request", args=[parent.pk]), **said)
    family.do(reverse("ask_another", args=[parent.child_id]), relationship="parent")
    other = Guardianship.objects.get(status=Status.REQUESTED)
    intake.do(reverse("access_request", args=[other.pk]), act="refuse")


def _ask(family: Walker, kind: str) -> Case:
    """A request of a family, from where it lives to its reference."""
    family.do(reverse("request_where"), where="home")
    place = family.do(reverse("request_begin", args=[kind]))
    pk = place.split("/")[3]
    for task in tasks.tasks_of(kind):
        page = reverse("request_task", args=[pk, task.key])
        _answer(family, family.open(page), "/tasks/", _REQUEST)
    family.do(f"/en/requests/{pk}/check/")
    return Case.objects.get(pk=pk, reference__isnull=False)


def _refer(outside: Walker) -> Case:
    """A referral that is sent, after a draft that still holds its record."""
    draft = outside.do(reverse("referral_begin"))
    _answer(outside, draft, "/confirm/", _REFERRAL)
    here = outside.do(reverse("referral_begin"))
    outside.do(_answer(outside, here, "/check/", _REFERRAL))
    return Case.objects.get(pk=here.split("/")[3], reference__isnull=False)


def _work(people: People, case: Case) -> None:
    """Intake and a clinician work on it: child, owner, step, band, message, note."""
    page = reverse("case_item", args=[case.pk])
    intake, clinician = people["intake"], people["clinician"]
    intake.do(page, "/open/")
    if case.sender_id == user_of(people["family"]).pk:
        child = str(Child.objects.get().pk)
        intake.do(page, "/child/", match_child=child, match_act="match")
    owner, reviewer = user_of(people["second clinician"]).pk, user_of(clinician).pk
    intake.do(page, "/give/", give_owner=str(owner), give_reviewer=str(reviewer))
    intake.do(page, "/step/", step_status="accepted", step_hold="", step_reject="")
    intake.do(page, "/band/", band_band="a")
    clinician.do(page, "/reply/", reply_holds="", reply_confidential=None)
    clinician.do(page, "/note/")
    # A script sends what is typed and not sent yet; no form does.
    text = intake.record.canaries.new("intake", "case_typed", "text")
    intake.client.post(reverse("case_typed", args=[case.pk, "note"]), {"text": text})


def _opinion(people: People, case: Case) -> None:
    """Written, read by a second clinician, signed, amended with a reason, released."""
    page, writer = reverse("opinion", args=[case.pk]), people["clinician"]
    for _ in range(2):
        word = writer.record.canaries.new("clinician", "opinion_write", "family_en")
        plain = f"The counts are low. We think more tests will help. Please call us. {word}."
        writer.do(f"{page}write/", family_en=plain)
        people["second clinician"].do(reverse("opinion_second", args=[case.pk]), agrees="yes")
        writer.do(f"{page}sign/")
    to = ["family", "doctor"] if case.sender_id == user_of(people["family"]).pk else ["doctor"]
    writer.do(f"{page}release/", to=to)


def _assess(clinician: Walker, case: Case) -> None:
    """One input changed, another after it, and the clinician's own judgement of what came out."""
    clinician.do(reverse("assessment_change", args=[case.pk, 0, "count"]), value="88")
    clinician.do(reverse("assessment_change", args=[case.pk, 2, "finding"]))
    clinician.do(reverse("assessment_judge", args=[case.pk, 3]), outcome="overridden")


def _break_glass(people: People, case: Case) -> None:
    people["clinician by emergency"].do(reverse("break_glass", args=["case", case.pk]))
    people["clinician by emergency"].open(reverse("case_item", args=[case.pk]))
    opened = BreakGlass.objects.get()
    people["privacy"].do(reverse("audit_opening", args=[opened.pk]))


def _visit(family: Walker) -> None:
    """Booked in another language with the agreement to video, then joined."""
    said = {
        "where": {"where": "CO"},
        "kind": {"kind": "video"},
        "language": {"language": "other", "interpreter": "no"},
    }
    days = _answer(family, family.do(reverse("book")), "/days/", said)
    family.open(days)
    found = re.search(r'href="(/en/visits/book/days/[^"?]+)"', family.text)
    assert found, "no day has a free time"
    family.do(family.do(found[1]))
    visit = Appointment.objects.get()
    # Days pass: the visit begins in five minutes.
    begins = timezone.now() + timedelta(minutes=5)
    ends = begins + (visit.slot.ends_at - visit.slot.starts_at)
    Slot.objects.filter(pk=visit.slot_id).update(starts_at=begins, ends_at=ends)
    family.do(reverse("visit_join", args=[visit.pk]), where="CO")
    family.open(reverse("visit_room", args=[visit.pk]))


def _hospital_number(intake: Walker) -> None:
    intake.do(reverse("staff_child", args=[Child.objects.get().pk]))


def _change_address(family: Walker) -> None:
    """The old address lies in the outbox, sealed, until the mail to it has gone."""
    here = family.do(reverse("change_address"))
    family.do(here, code=code_in_the_last_mail())


def user_of(walker: Walker) -> User:
    """Give the account that a walker is signed in with."""
    return User.objects.get(pk=walker.client.session["_auth_user_id"])
