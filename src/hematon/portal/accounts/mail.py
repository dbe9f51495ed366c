"""Mail about signing in: plain text, no clinical word, no name, no link that opens anything.

A code must be there before the person gives up, so it is sent at once and not through the outbox.
Everything else is owed (`notices`).
"""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.utils.translation import gettext as _
from django.utils.translation import override

_log = logging.getLogger(__name__)


def send_code(*, address: str, code: str, language: str) -> bool:
    """Send a code; say whether the mail server took it."""
    with override(language):
        subject = _("Your sign-in code")
        text = _(
            "Your code is %(code)s\n\n"
            "Type it on the page where you asked for it. It works for 10 minutes, once.\n\n"
            "Nobody from our team will ever ask you for this code.\n"
            "If you did not ask for it, you can ignore this message."
        ) % {"code": code}
    return _send(address, subject, text)


def send_no_code(*, address: str, language: str) -> bool:
    """Tell the owner of an address that it cannot be used here; say whether it was taken."""
    with override(language):
        subject = _("Your sign-in code")
        text = _(
            "Someone asked for a code with this address. It cannot be used here, so we send none. "
            "Nothing was changed.\n\n"
            "If you are a member of our staff, use the staff sign-in page.\n"
            "If it was not you, you can ignore this message."
        )
    return _send(address, subject, text)


def _send(address: str, subject: str, text: str) -> bool:
    try:
        return bool(EmailMessage(subject, text + "\n", to=[address]).send())
    except (OSError, SMTPException) as error:
        # Neither the address nor what the server said, which repeats it.
        _log.error("a mail about signing in could not be sent: %s", type(error).__name__)
        return False
