"""What the mails say: that there is something, and where to sign in to read it.

No mail holds a name, a diagnosis, a result, a reference or a word that tells what kind of clinic
wrote it: mail is read on locked screens, on shared phones and by mail servers. Nothing in a mail
opens anything by itself. Every text here is fixed; nothing that somebody typed is put into one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hematon.portal.notify.models import Kind, Notice
from hematon.portal.ui.site import site

_CLINIC = re.compile(
    r"ha?ematolog|oncolog|marrow|blood|ana?emi|leuka?emi|c[aá]ncer|tumou?r|transplant"
    r"|m[eé]dula|sangre|leucemia|trasplante",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Text:
    """The words of one kind of mail, and whether the way to the sign-in page follows them."""

    subject: str | Promise
    lines: tuple[str | Promise, ...]
    leads_in: bool = True


TEXTS = {
    Kind.MESSAGE_WAITING: Text(
        _("You have a new message"),
        (_("You have a new secure message."),),
    ),
    Kind.REQUEST_RECEIVED: Text(
        _("We received your request"),
        (_("Your request has reached us."), _("Sign in to see what happens next.")),
    ),
    Kind.REPORT_READY: Text(
        _("A report is ready for you"),
        (_("We have written a report for you."),),
    ),
    Kind.DRAFT_ENDS: Text(
        _("Your request is not sent yet"),
        (
            _("You started a request and did not send it."),
            _("If you do not send it soon, we will delete it."),
        ),
    ),
    Kind.VISIT_BOOKED: Text(
        _("Your visit is booked"),
        (_("Your visit is booked."), _("Sign in to see the day and the time.")),
    ),
    Kind.VISIT_CHANGED: Text(
        _("Your visit has changed"),
        (
            _("There is a change to your visit."),
            _("Sign in to see the day and the time."),
        ),
    ),
    Kind.VISIT_CANCELLED: Text(
        _("Your visit is canceled"),
        (_("Your visit will not take place."), _("Sign in to see what you can do next.")),
    ),
    Kind.VISIT_IN_TWO_DAYS: Text(
        _("Your visit is coming up"),
        (
            _("You have a visit in the next 2 days."),
            _("Sign in to see the day and the time."),
        ),
    ),
    Kind.VISIT_IN_TWO_HOURS: Text(
        _("Your visit starts soon"),
        (_("Your visit starts within the next 2 hours."), _("Sign in to join it.")),
    ),
    Kind.ACCESS_CHANGED: Text(
        _("Access has changed"),
        (
            _("There is a change in who can see your family's information."),
            _("Sign in to check it."),
            _("If it does not look right, call us."),
        ),
    ),
    Kind.NEW_SIGN_IN: Text(
        _("New sign-in to your account"),
        (
            _("Someone signed in to your account on a new device."),
            _("If it was you, there is nothing to do."),
            _("If it was not you, sign in and end that session. Then call us."),
        ),
    ),
    Kind.SIGN_IN_CHANGED: Text(
        _("A change to your account"),
        (
            _("There is a change in how you sign in."),
            _("If it was you, there is nothing to do."),
            _("If it was not you, sign in and check it. Then call us."),
        ),
    ),
    # To who has no account under that address any more: signing in would begin another one.
    Kind.ADDRESS_CHANGED: Text(
        _("A change to your account"),
        (
            _("Your account now uses another email address."),
            _("If it was you, there is nothing to do."),
            _("If it was not you, please call us."),
        ),
        leads_in=False,
    ),
    Kind.ACCOUNT_DELETED: Text(
        _("A change to your account"),
        (
            _("Your account was deleted."),
            _("If it was you, there is nothing to do."),
            _("If it was not you, please call us."),
        ),
        leads_in=False,
    ),
    Kind.REVIEW_INVITATION: Text(
        _("How did it go?"),
        (
            _("We would like to know how your visit went."),
            _("You choose whether to answer. Your care stays the same."),
        ),
    ),
    Kind.STAFF_TASK: Text(
        _("There is new work for you"),
        (_("A task is waiting for you."),),
    ),
}


def compose(notice: Notice, address: str) -> EmailMessage:
    """Write the mail of a notice.

    Its Message-ID comes from the notice's id: if it must go once more, mail programs that drop
    what they have seen drop it.

    Args:
        notice: what is owed.
        address: where it goes, one address.

    Raises:
        ValidationError: the address is none, or more than one, or holds a line break (T-26).
    """
    validate_email(address)
    text = TEXTS[Kind(notice.kind)]
    with translation.override(notice.language):
        return EmailMessage(
            subject=str(text.subject),
            body=_body(text, kind_of_account=notice.user.kind),
            to=[address],
            headers={
                "Message-ID": message_id(notice),
                # RFC 3834: holiday answers and the like stay away.
                "Auto-Submitted": "auto-generated",
            },
        )


def message_id(notice: Notice) -> str:
    """Give the name that the mail has, every time it is sent."""
    return f"<{notice.pk}@{urlsplit(settings.SITE_URL).hostname}>"


def _body(text: Text, *, kind_of_account: str) -> str:
    parts = [gettext("Hello,"), "\n".join(str(line) for line in text.lines)]
    if text.leads_in:
        page = settings.SITE_URL + reverse(settings.SIGN_IN_PAGES[kind_of_account])
        parts.append(gettext("Sign in here:") + "\n" + page)
    if kind_of_account == "family":
        phones = site().phones
        parts.append(
            gettext("Questions? Call %(phone)s.") % {"phone": phones.day.number}
            + "\n"
            + gettext("In an emergency, call %(phone)s.") % {"phone": phones.emergency}
        )
    parts.append(gettext("A computer sent this email. Nobody reads replies to it."))
    return "\n\n".join(parts) + "\n"


def tells_the_clinic(text: str) -> bool:
    """Say whether a text, such as a sender's name, tells what kind of clinic writes."""
    return _CLINIC.search(text) is not None
