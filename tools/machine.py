"""What a proof is measured on: the machine, who uses it, and what the portal's processes hold."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from statistics import median

from real_portal import Processes


def machine() -> str:
    """Say what it was measured on."""
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*:\s*(.+)", cpu)
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))
    gigabytes = int(memory[1]) / 1e6 if memory else 0
    return f"{os.cpu_count()} cores, {gigabytes:.0f} GB, {model[1] if model else 'unknown'}"


def family_of(pid: int) -> list[int]:
    """Give a process and all its descendants."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [pid, *(p for child in text.split() for p in family_of(int(child)))]


def resident(pid: int) -> float:
    """Give the megabytes that a process and its descendants hold, each page of each counted."""
    total = 0
    for one in family_of(pid):
        try:
            status = Path(f"/proc/{one}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        found = re.search(r"VmRSS:\s*(\d+)", status)
        total += int(found[1]) if found else 0
    return total / 1000


def used(pid: int) -> float:
    """Give the seconds of processor that a process, its children and those that ended took."""
    total = 0
    for one in family_of(pid):
        try:
            text = Path(f"/proc/{one}/stat").read_text(encoding="utf-8")
        except OSError:
            continue
        # After the name in brackets: user, system, and both of children that were waited for.
        total += sum(map(int, text.rpartition(")")[2].split()[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def busy() -> float:
    """Give the seconds of processor that the machine has spent since it started."""
    words = Path("/proc/stat").read_text(encoding="utf-8").split("\n")[0].split()[1:9]
    user, nice, system, _idle, _wait, *interrupts = map(int, words)
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


class Memory(threading.Thread):
    """Looks every two seconds how much server and worker hold."""

    def __init__(self, processes: Processes, over: threading.Event) -> None:
        super().__init__(daemon=True)
        assert processes.server is not None
        assert processes.worker is not None
        self.pids = {"server": processes.server.pid, "worker": processes.worker.pid}
        self.seen: dict[str, list[float]] = {name: [] for name in self.pids}
        self.over = over

    def run(self) -> None:
        """Look until it is over."""
        while not self.over.wait(2):
            for name, pid in self.pids.items():
                self.seen[name].append(resident(pid))

    def said(self, name: str) -> tuple[float, float, float]:
        """Give the median of the beginning, the middle and the end.

        Processes that open a file come and go; a median of some looks does not see them.
        """
        seen = self.seen[name] or [0.0]
        few = max(1, len(seen) // 10)
        third, half = len(seen) // 3, len(seen) // 2
        parts = (seen[third : third + few], seen[half : half + few], seen[-few:])
        first, middle, last = (median(part) for part in parts)
        return first, middle, last
