"""A mail server of the standard library that keeps what it is given, for proofs and tests.

It speaks as much of RFC 5321 as smtplib asks for. What it says yes to is in `received` before the
yes goes out, as with a server that writes to its disk first.
"""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Sink:
    """What came in, and what is refused.

    Attributes:
        received: each mail that was answered with yes, with its recipients, in order.
        refusals: answer to give instead of yes to a recipient, by address.
        answer: answer to give to the next mails instead of yes; empty for yes.
        slow: seconds between having a mail and saying yes.
        keep: called with each mail before the yes.
    """

    port: int = 0
    received: list[tuple[tuple[str, ...], EmailMessage]] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    slow: float = 0
    keep: Callable[[bytes], None] | None = None

    def ids(self) -> list[str]:
        """Give the Message-ID of each mail."""
        return [str(mail["Message-ID"]) for _, mail in self.received]


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        sink, to = self.server.sink, []
        self._say("220 sink")
        while line := self.rfile.readline():
            word, rest = line[:4].upper(), line[8:].decode().strip().strip("<>")
            if word in (b"EHLO", b"HELO", b"MAIL", b"RSET", b"NOOP"):
                to = [] if word in (b"MAIL", b"RSET") else to
                self._say("250 yes")
            elif word == b"RCPT":
                refused = sink.refusals.get(rest)
                to += [] if refused else [rest]
                self._say(refused or "250 yes")
            elif word == b"DATA":
                self._say("354 go on")
                self._take(tuple(to))
            elif word == b"QUIT":
                self._say("221 goodbye")
                return
            else:
                self._say("502 not known")

    def _take(self, to: tuple[str, ...]) -> None:
        sink, lines = self.server.sink, []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return
            lines.append(line.removeprefix(b"."))
        if sink.answer:
            self._say(sink.answer)
            return
        content = b"".join(lines)
        sink.received.append((to, message_from_bytes(content, policy=policy.default)))
        if sink.keep is not None:
            sink.keep(content)
        time.sleep(sink.slow)
        self._say("250 yes")

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def finish(self) -> None:
        # Whoever asked may be gone.
        with suppress(OSError):
            super().finish()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    sink: Sink

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: callers are killed on purpose."""


@contextmanager
def running(sink: Sink) -> Iterator[Sink]:
    """Listen on a free port of this machine alone while the block runs."""
    with _Server(("127.0.0.1", 0), _Conversation) as server:
        server.sink, sink.port = sink, server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()
