"""A portal as `deploy/` runs it, on data of its own, for proofs under kill and load.

Settings of a portal in use (no demonstration), gunicorn with deploy/gunicorn.conf.py, the worker,
a mail server and a virus scanner that answer on this machine. nginx is not in front: the visitors
send what it would.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from pathlib import Path

import smtp_sink
import throwaway
import visitor
from with_postgres import free_port

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "deploy" / "gunicorn.conf.py"
for folder in (ROOT / "tests", ROOT / "tools"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


class Mail:
    """A mail server that keeps what it said yes to: ids, and the codes that families sign in with.

    Attributes:
        ids: Message-ID of each mail that is no code, as often as it came.
        slow: seconds between having a mail and saying yes.
    """

    def __init__(self, slow: float = 0) -> None:
        self.sink = smtp_sink.Sink(slow=slow, keep=self._keep)
        self.ids: list[str] = []
        self._codes: dict[str, list[str]] = defaultdict(list)
        self._came = threading.Condition()

    def _keep(self, content: bytes) -> None:
        mail = message_from_bytes(content, policy=policy.default)
        text = mail.get_content()
        found = re.search(r"\b(\d{6})\b", text) if "code" in str(mail["Subject"]) else None
        with self._came:
            # A long proof must not grow by its own mailbox.
            self.sink.received.clear()
            if found:
                self._codes[str(mail["To"])].append(found[1])
            else:
                self.ids.append(str(mail["Message-ID"]))
            self._came.notify_all()

    def codes_to(self, address: str) -> int:
        """Say how many codes came to an address."""
        with self._came:
            return len(self._codes[address])

    def code(self, address: str, had: int) -> str:
        """Wait for a code beyond the first so many."""
        with self._came:
            if not self._came.wait_for(lambda: len(self._codes[address]) > had, timeout=30):
                raise visitor.GoneError("no mail with a code")
            return self._codes[address][-1]


@contextmanager
def made(slow_mail: float = 0, scanner_says: Callable[[], bool] = lambda: True) -> Iterator[Mail]:
    """Make a portal of its own and put its environment into this process.

    Args:
        slow_mail: seconds that the mail server takes for a mail.
        scanner_says: whether the scanner answers this time; else it hangs up, and files are held.
    """
    import scanners

    # Ended from outside, a proof takes what it started with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in list(os.environ):
        if name.startswith("HEMATON_") and name != "HEMATON_DATABASE_URL":
            del os.environ[name]
    mail = Mail(slow_mail)

    def scan(command: bytes, content: bytes) -> bytes | None:
        return scanners.honest(command, content) if scanner_says() else None

    with (
        smtp_sink.running(mail.sink),
        tempfile.TemporaryDirectory(prefix="hematon-scan-") as place,
        scanners.fake(Path(place), scan) as socket,
    ):
        os.environ |= {
            "HEMATON_ALLOWED_HOSTS": visitor.HOST,
            "HEMATON_TRUSTED_PROXIES": "1",
            "HEMATON_EMAIL_URL": f"smtp://127.0.0.1:{mail.sink.port}",
            "HEMATON_EMAIL_FROM": f"Family portal <portal@{visitor.HOST}>",
            "HEMATON_SITE_URL": f"https://{visitor.HOST}",
            "HEMATON_CLAMD_SOCKET": str(socket),
        }
        with throwaway.portal(demo=False) as environment:
            folder = Path(environment["HEMATON_PORTAL_DIR"])
            os.environ |= environment
            os.environ["DJANGO_SETTINGS_MODULE"] = "proof_settings"
            tools = (str(ROOT / "tools"), str(ROOT / "src"), os.environ.get("PYTHONPATH", ""))
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, tools))
            shutil.copy(ROOT / "src/hematon/portal/ui/demo_site.yaml", folder / "site.yaml")
            django("collectstatic", "--no-input", "--verbosity=0")
            yield mail


def django(*words: str) -> None:
    """Run one of Django's commands on the portal."""
    subprocess.run([sys.executable, "-m", "django", *words], check=True)


class Processes:
    """Server and worker in one process group, as one service of a machine.

    Attributes:
        port: of the server.
        log: what both write to.
    """

    def __init__(self, log: Path) -> None:
        self.port, self.log = free_port(), log
        self.server: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None

    def start(self, *, worker: bool = True) -> None:
        """Start both from nothing, by the commands of deploy/systemd; or the server alone."""
        with self.log.open("ab") as out:
            self.server = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "--config", str(CONFIG)),
                    *("--bind", f"127.0.0.1:{self.port}"),
                ],
                stdout=out,
                stderr=out,
                process_group=0,
            )
            atexit.register(_kill_group, self.server.pid)
            if not worker:
                return
            words = ["portal", "--dir", os.environ["HEMATON_PORTAL_DIR"], "work"]
            self.worker = subprocess.Popen(
                [*throwaway.RUN, *words], stdout=out, stderr=out, process_group=self.server.pid
            )

    def stop(self) -> None:
        """End both in order."""
        for process in (self.worker, self.server):
            if process is not None:
                process.terminate()
        for process in (self.worker, self.server):
            if process is not None:
                process.wait(timeout=60)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def wait_until_it_answers(port: int, seconds: float = 90) -> None:
    """Wait for the portal's own yes."""
    ends, browser = time.monotonic() + seconds, visitor.Browser(port, "127.0.0.1")
    while time.monotonic() < ends:
        try:
            if browser.get("/healthz").status == 200:
                browser.close()
                return
        except visitor.GoneError:
            time.sleep(0.02)
        except visitor.WrongError:
            time.sleep(0.2)
    raise SystemExit("the portal did not start")
