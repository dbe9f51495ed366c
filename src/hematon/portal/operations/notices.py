"""Mail that could not be sent, for administrators: why, since when, and what to do about it.

It stands here and not in `notify`, which is below the accounts and knows no roles.
"""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.accounts.models import Kind as AccountKind
from hematon.portal.accounts.models import User
from hematon.portal.notify import access, actions
from hematon.portal.notify.models import Notice, Reason

PAGE_SIZE = 25
_CALL = "Reach the person in another way, then mark it dealt with."
WHAT_TO_DO = {
    Reason.SERVER_SILENT: "When the mail server answers again, send it again.",
    Reason.SERVER_REFUSES: "Ask who runs the mail server, then send it again.",
    Reason.ADDRESS_REFUSED: _CALL,
    Reason.ADDRESS_UNUSABLE: _CALL,
    Reason.ADDRESS_UNREADABLE: "Tell who runs the portal: a key is missing or a row was changed.",
    Reason.NO_ADDRESS: _CALL,
    Reason.ACCOUNT_CLOSED: "Nobody is to be told. Mark it dealt with.",
    Reason.TOO_LATE: "The visit is over or about to begin. Mark it dealt with.",
    Reason.WORKER_ENDED: "Tell who runs the portal, then send it again.",
}
"""For each reason; which of them can be sent again is `CAN_GO`."""
CAN_GO = frozenset(Reason) - {Reason.TOO_LATE, Reason.ACCOUNT_CLOSED}


class ActForm(forms.Form):
    """Which notice, and what to do with it."""

    notice = forms.UUIDField()
    act = forms.ChoiceField(choices=[("again", ""), ("settle", "")])


@staff_page(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def failed_notices(request: HttpRequest) -> HttpResponse:
    """List what could not be sent; posting sends one again, or takes it off the list."""
    if request.method == "POST":
        return _act(request)
    page = Paginator(access.failed().select_related("user"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {"page": page, "rows": [_row(notice) for notice in page]}
    return render(request, "operations/notices.html", context)


def _act(request: HttpRequest) -> HttpResponse:
    form, user = ActForm(request.POST), staff_of(request)
    notice = access.get_failed(form.cleaned_data["notice"]) if form.is_valid() else None
    done = False
    if notice is not None and form.cleaned_data["act"] == "settle":
        done = actions.settle(notice=notice, by=user, at=timezone.now())
        said = "Marked as dealt with."
    elif notice is not None and notice.reason in CAN_GO:
        done = actions.send_again(notice=notice, by=user)
        said = "It will be sent again within a minute."
    if done:
        messages.success(request, said)
    else:
        messages.info(request, "Nothing was done: it is no longer on the list.")
    return redirect("failed_notices")


def _row(notice: Notice) -> dict[str, object]:
    reason = Reason(notice.reason)
    return {
        "notice": notice,
        "to": _account(notice.user),
        "reason": reason.label,
        "what_to_do": WHAT_TO_DO[reason],
        "can_go": reason in CAN_GO,
    }


def _account(user: User) -> str:
    """Name the account; of a family nothing but its number, which other pages show as well."""
    kind = AccountKind(user.kind)
    return str(user) if kind == AccountKind.STAFF else f"{kind.label} account {user.pk}"
