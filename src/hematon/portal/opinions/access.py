"""The only way to an opinion and to a released report, and who may do what with them."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.care import access as care
from hematon.portal.care.models import Case, Consent, ConsentScope
from hematon.portal.care.status import Kind, Status
from hematon.portal.families import access as families
from hematon.portal.families.models import Child
from hematon.portal.opinions.models import Opinion, Receiver, Release, Run, Signed
from hematon.portal.opinions.packet import born, child_name
from hematon.portal.programme.shapes import Thing


def opinion_of(case: Case) -> Opinion | None:
    """Give the opinion on a case that the caller may open; None when nobody began it."""
    return Opinion.objects.filter(case=case).first()


def latest_signed(case: Case) -> Signed | None:
    """Give the version that stands."""
    return Signed.objects.filter(opinion__case=case).order_by("-number").first()


def get_signed(case: Case, number: int) -> Signed | None:
    """Give one signed version of a case that the caller may open."""
    return Signed.objects.filter(opinion__case=case, number=number).first()


def may_write(user: User, case: Case) -> bool:
    """Say whether a person writes the opinion: the case's reviewer, or its owner, a clinician."""
    return (
        user.is_active
        and user.holds(Role.CLINICIAN)
        and user.pk in (case.reviewer_id, case.owner_id)
        and case.status not in (Status.DRAFT, Status.REJECTED, Status.CANCELLED)
    )


def may_second_read(user: User, case: Case) -> bool:
    """Say whether a person may read an opinion before it is signed: a clinician of the case."""
    return user.is_active and user.holds(Role.CLINICIAN) and care.may_work(user, case)


def runs_of(case: Case) -> QuerySet[Run]:
    """List the kept assessments of a case that the caller may open, without what they hold."""
    heavy = (*Run.HEAVY, *(f"changed_from__{name}" for name in Run.HEAVY))
    return Run.objects.filter(case=case).select_related("by", "changed_from").defer(*heavy)


def run_of(case: Case, number: int) -> Run | None:
    """Give one kept assessment of a case that the caller may open."""
    return Run.objects.filter(case=case, number=number).select_related("changed_from", "by").first()


def may_judge(user: User, case: Case) -> bool:
    """Say whether a person tries changes and judges what was computed: a clinician of the case."""
    return may_second_read(user, case)


# --- who receives it ------------------------------------------------------------------------------


def child_of(case: Case, user: User, at: datetime) -> Child | None:
    """Give the child of a case as this family's confirmed link names it.

    A case that staff matched names its child. One that nobody matched is the child's of the same
    name and birth date to whom this person has a link that staff confirmed; without one there is
    nobody whose opinions it could be.
    """
    matched = getattr(case, "child", None)
    if isinstance(matched, Child):
        return matched
    day = born(case)
    if day is None:
        return None
    found = set(families.find(child_name(case), day).values_list("pk", flat=True))
    return next((child for child in families.children_of(user, at) if child.pk in found), None)


def family_may_read(user: User, case: Case, at: datetime) -> bool:
    """Say whether a person of a family may see this case's report now; asked at every opening."""
    if user.kind != UserKind.FAMILY or not user.is_active:
        return False
    child = child_of(case, user, at)
    return child is not None and families.may_see(
        user, child, Thing.OPINIONS, at, confidential_to_minor=case.confidential_to_minor
    )


def readers(case: Case, at: datetime) -> list[User]:
    """Give the people of the family who may see this case's report now."""
    if case.sender is None:
        return []
    child = child_of(case, case.sender, at)
    if child is None:
        return []
    found = families.users_who_may_see(
        child, Thing.OPINIONS, at, confidential_to_minor=case.confidential_to_minor
    )
    return [user for user in found if care.get_case(user, case.pk) is not None]


def consent_to_doctor(case: Case) -> Consent | None:
    """Give the consent by which a report may go to the doctor who was named, while it stands."""
    return case.consents.filter(scope=ConsentScope.REPORT_TO_DOCTOR, ended_at=None).last()


def family_release(user: User, pk: uuid.UUID, at: datetime) -> Release | None:
    """Give the report of a family's own request that it may read now; None for all else alike."""
    case = care.get_case(user, pk)
    if case is None or not family_may_read(user, case, at):
        return None
    return _latest(case, Receiver.FAMILY)


def doctor_release(user: User, pk: uuid.UUID) -> Release | None:
    """Give the report that a clinician outside may read now; None for all else alike.

    For a referral that is who sent it. For a family's request it is the doctor whom the family
    named, as long as the family agrees.
    """
    if user.kind != UserKind.REFERRER or not user.is_active:
        return None
    case = Case.objects.filter(pk=pk).first()
    release = _latest(case, Receiver.DOCTOR) if case is not None else None
    if case is None or release is None or release.user_id != user.pk:
        return None
    if case.kind == Kind.REFERRAL:
        return release if case.sender_id == user.pk else None
    return release if consent_to_doctor(case) is not None else None


def _latest(case: Case, to: Receiver) -> Release | None:
    found = Release.objects.filter(signed__opinion__case=case, to=to)
    return found.select_related("signed__opinion__case").order_by("-signed__number").first()
