"""Logs without what a family sent: no request, no query string, no local variables."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

_SENT: Final = re.compile(
    r"^(Invalid request from ip=\S+: [A-Za-z ]+|Error handling request).*", re.S
)
"""What gunicorn says of a request that it could not read or answer, up to what was sent."""


class WithoutRequest(logging.Filter):
    """Reduce an exception to its type and place, and drop the request.

    Messages and arguments of exceptions can quote what was typed; addresses can hold codes.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Strip the record in place; it is always kept."""
        request = record.__dict__.pop("request", None)
        if request is not None:
            match = getattr(request, "resolver_match", None)
            place = match.view_name if match else "no view"
            status = getattr(record, "status_code", "")
            record.msg, record.args = f"{request.method} {place} {status}", ()
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, trace = record.exc_info
            places = []
            while trace is not None:
                code = trace.tb_frame.f_code
                places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
                trace = trace.tb_next
            record.msg = f"{record.getMessage()} {kind.__name__} at " + " < ".join(
                reversed(places[-6:])
            )
            record.args, record.exc_info, record.exc_text = (), None, None
        return True


class WithoutSent(WithoutRequest):
    """The same for gunicorn, which quotes the line or the address that it could not take."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Cut the record in place after what is gunicorn's own; it is always kept."""
        said = record.getMessage()
        short = _SENT.sub(r"\1", said)
        if short != said:
            record.msg, record.args = short.rstrip(" :"), ()
        return super().filter(record)


def quiet_server(server: Any) -> None:
    """Be gunicorn's `on_starting`: its log keeps nothing of what was sent."""
    server.log.error_log.addFilter(WithoutSent())
