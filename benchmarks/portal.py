"""How fast the portal serves pages that explain, beside a bare Django page of the same size.

    python benchmarks/portal.py            (`make bench` runs it too)
    python benchmarks/portal.py --quick

Server time is measured inside one process, through every middleware; the rate with wrk (Debian
package wrk) on loopback against two worker processes. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PAGE = "/en/conditions/fanconi-anemia/"
MEDIAN_MS, PER_SECOND, P99_MS, PRINTOUT_MS = 5.0, 300.0, 100.0, 50.0


def free_port() -> int:
    """Give a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(command: list[str], port: int) -> Iterator[None]:
    """Run a server until it is no longer needed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise SystemExit(f"the server did not start: {' '.join(command)}")
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def wrk(address: str, seconds: int) -> tuple[float, float, int]:
    """Give pages a second, the 99th percentile in ms, and how many answers were no page."""
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", address]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    errors = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", said))
    errors += sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", said))
    return rate, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit], errors


def in_process(folder: Path, runs: int) -> tuple[float, int]:
    """Give the median server time of the page in ms, and its size in bytes."""
    from hematon.portal.serve import migrate, prepare

    prepare(folder, demo=True)
    migrate()
    from django.test import Client

    client = Client(headers={"accept-language": "en"})
    size = len(client.get(PAGE, SERVER_NAME="localhost").content)
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        answer = client.get(PAGE, SERVER_NAME="localhost")
        times.append(time.perf_counter() - start)
        assert answer.status_code == 200
    return 1e3 * statistics.median(times), size


def printouts(runs: int) -> float:
    """Give the 99th percentile, in ms, of reading mangled printouts and texts made to be slow."""
    from hematon.portal.counts.printout import read

    rng = np.random.default_rng(1)
    words = "HGB|7.9|L|g/dL|11.5 - 14.5|Plaquetas|45|10^3/uL|150-450|;|,|%|0,8|2026-11-03|\n|\t|<"
    slow = ["HGB " + "1,1" * 130, "((((" * 99, "HGB " + "10^" * 130, "1-" * 190, "a " * 199]
    times = []
    for i in range(runs):
        chosen = rng.choice(words.split("|"), 60)
        text = slow[i % len(slow)] if i % 10 == 0 else " ".join(chosen)
        start = time.perf_counter()
        read(text, day_first=False)
        times.append(time.perf_counter() - start)
    return 1e3 * sorted(times)[int(len(times) * 0.99)]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    quick = parser.parse_args().quick
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        median, size = in_process(folder, 100 if quick else 500)
        ok = median <= MEDIAN_MS
        missed += not ok
        print(
            f"{'ok  ' if ok else 'MISS'} content page of {size:,} bytes: {median:.2f} ms of server "
            f"time at the median (goal at most {MEDIAN_MS:g})"
        )
        p99 = printouts(500 if quick else 5000)
        ok = p99 <= PRINTOUT_MS
        missed += not ok
        print(
            f"{'ok  ' if ok else 'MISS'} a printout is read in {p99:.1f} ms at the 99th percentile "
            f"(goal at most {PRINTOUT_MS:g})"
        )
        if not shutil.which("wrk"):
            print("     wrk is not installed (Debian package wrk): no rate measured")
            return bool(missed)
        seconds = 3 if quick else 15
        port = free_port()
        hematon = [sys.executable, "-c", "from hematon.cli import main; main()"]
        command = [*hematon, "serve", "--dir", str(folder), "--port", str(port), "--workers", "2"]
        with server(command, port):
            wrk(f"http://127.0.0.1:{port}{PAGE}", 2)
            rate, p99, errors = wrk(f"http://127.0.0.1:{port}{PAGE}", seconds)
        ok = rate >= PER_SECOND and p99 < P99_MS and not errors
        missed += not ok
        print(
            f"{'ok  ' if ok else 'MISS'} 2 workers, 16 connections: {rate:.0f} pages a second, p99 "
            f"{p99:.0f} ms, {errors} errors (goal at least {PER_SECOND:g}, under {P99_MS:g} ms)"
        )
        port = free_port()
        os.environ["BARE_PAGE_BYTES"] = str(size)
        bare = ["-m", "gunicorn", "--chdir", str(HERE), "-w", "2", "-k", "gthread", "--threads"]
        command = [sys.executable, *bare, "4", "-b", f"127.0.0.1:{port}", "bare_django:application"]
        with server(command, port):
            wrk(f"http://127.0.0.1:{port}/", 2)
            bare_rate, bare_p99, _ = wrk(f"http://127.0.0.1:{port}/", seconds)
        print(
            f"     bare Django, same size and workers: {bare_rate:.0f} pages a second, p99 "
            f"{bare_p99:.0f} ms; the portal reaches {rate / bare_rate:.2f} of it"
        )
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
