"""Scanners for tests: the real clamd with one signature of ours, and sockets that misbehave."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hostile_files import EICAR

CLAMD = shutil.which("clamd") or "/usr/sbin/clamd"
HAS_CLAMD = Path(CLAMD).exists()
WHY = "needs clamd: apt-get install clamav-daemon"


class Clamd:
    """A real clamd on a socket of its own; it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "clamd.sock"
        self.process: subprocess.Popen[bytes] | None = None
        signatures = folder / "signatures"
        signatures.mkdir()
        (signatures / "tests.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
        (folder / "clamd.conf").write_text(
            f"LocalSocket {self.socket}\n"
            "LocalSocketMode 600\n"
            f"DatabaseDirectory {signatures}\n"
            f"TemporaryDirectory {folder}\n"
            "StreamMaxLength 15M\n"
            "AlertEncrypted yes\n"
            "MaxThreads 2\n"
            "Foreground yes\n"
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            [CLAMD, "-c", str(self.folder / "clamd.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            try:
                with socket.socket(socket.AF_UNIX) as line:
                    line.connect(str(self.socket))
                    line.sendall(b"zPING\0")
                    if line.recv(10) == b"PONG\0":
                        return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("clamd did not start")

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None
        self.socket.unlink(missing_ok=True)


Answer = Callable[[bytes, bytes], bytes | None]
"""Given the command and what was sent, what it says; None: it hangs up."""


def received(line: socket.socket) -> tuple[bytes, bytes]:
    """Read a command and the stream behind it."""
    command = b""
    while not command.endswith(b"\0"):
        command += line.recv(1)
    content = b""
    if command == b"zINSTREAM\0":
        while True:
            (length,) = struct.unpack(">I", line.recv(4, socket.MSG_WAITALL))
            if length == 0:
                break
            content += line.recv(length, socket.MSG_WAITALL)
    return command, content


@contextmanager
def fake(folder: Path, answer: Answer) -> Iterator[Path]:
    """Answer as somebody says, on a socket."""
    place = folder / "fake.sock"
    place.unlink(missing_ok=True)
    ended = threading.Event()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(place))
        door.listen()
        door.settimeout(0.1)

        def serve() -> None:
            while not ended.is_set():
                try:
                    line, _ = door.accept()
                except TimeoutError:
                    continue
                except OSError:
                    return
                with line:
                    line.settimeout(10)
                    try:
                        said = answer(*received(line))
                        if said is not None:
                            line.sendall(said)
                    except (OSError, struct.error, IndexError):
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield place
        finally:
            ended.set()
            thread.join(15)


def honest(command: bytes, content: bytes) -> bytes:
    """Answer as clamd does."""
    if command == b"zVERSION\0":
        return b"ClamAV 1.4.6/27800/Mon Nov 23 08:10:00 2026\0"
    found = EICAR in content
    return b"stream: Eicar-Test FOUND\0" if found else b"stream: OK\0"
