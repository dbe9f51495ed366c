"""A family's requests on its first page: what waits for the family first."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hematon.portal.accounts.models import User
from hematon.portal.care import access, reading
from hematon.portal.care.following import is_their_turn, who_acts
from hematon.portal.care.models import Case
from hematon.portal.care.status import OPEN
from hematon.portal.ui.family_home import Entry, Panel, on_home
from hematon.portal.ui.templatetags.ui import day


@on_home(10)
def requests(user: User, at: datetime) -> Panel:
    """Give drafts, open requests, and closed ones with something new."""
    drafts = access.own_drafts(user).filter(ends_at__gt=at)
    entries = [_draft(case) for case in drafts]
    for case in access.cases_for(user).order_by("-sent_at", "pk"):
        news = reading.new_for(user, case)
        if case.status in OPEN or news:
            entries.append(_sent(case, news))
    return Panel(
        key="requests",
        heading=_("Your requests"),
        entries=tuple(entries),
        empty=_("You have no open request."),
        links=(
            (_("All my requests"), reverse("requests")),
            (_("Start a request"), reverse("get_care")),
        ),
    )


def _draft(case: Case) -> Entry:
    assert case.ends_at is not None
    return Entry(
        name=case.get_kind_display(),
        address=reverse("request_tasks", kwargs={"pk": case.pk}),
        hint=_("Not sent yet. We keep it until %(day)s.") % {"day": day(case.ends_at)},
        tag=_("Incomplete"),
    )


def _sent(case: Case, news: int) -> Entry:
    tag, color = "", "blue"
    if news:
        tag = ngettext("%(n)s new message", "%(n)s new messages", news) % {"n": news}
        color = "green"
    elif is_their_turn(case):
        tag, color = _("Your turn"), "yellow"
    return Entry(
        name=f"{case.get_kind_display()}, {case.reference}",
        address=reverse("request_page", kwargs={"pk": case.pk}),
        hint=_("%(status)s. Who acts next: %(who)s")
        % {"status": case.get_status_display(), "who": who_acts(case)},
        tag=tag,
        color=color,
    )
