"""Speed and memory, as ratios against a baseline measured in the same run.

    make bench            everything
    python benchmarks/run.py --quick

Each line gives the measured time, the baseline and the ratio with its goal. Ratios are medians of
paired runs, so a busy machine slows both sides alike. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
from batches import bare_arithmetic, random_columns, serial_columns

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "examples" / "demo_child.json"
IMPORTS = "import numpy, pydantic, yaml"


def paired(
    subject: Callable[[], object], baseline: Callable[[], object], runs: int
) -> tuple[float, float, float]:
    """Time two things in turn; give medians in seconds and the median of the ratios."""
    times: list[tuple[float, float]] = []
    for _ in range(runs):
        pair = []
        for work in (subject, baseline):
            gc.collect()
            start = time.perf_counter()
            work()
            pair.append(time.perf_counter() - start)
        times.append((pair[0], pair[1]))
    return (
        statistics.median(t for t, _ in times),
        statistics.median(b for _, b in times),
        statistics.median(t / b for t, b in times),
    )


class Bench:
    """Collects lines and missed goals."""

    def __init__(self) -> None:
        self.missed = 0

    def line(self, name: str, took: float, base: float, ratio: float, goal: float) -> None:
        """Print one result."""
        ok = ratio <= goal
        self.missed += not ok
        print(
            f"{'ok  ' if ok else 'MISS'} {name:52} {1e3 * took:10.2f} ms / {1e3 * base:10.2f} ms "
            f"= {ratio:7.3f} (goal at most {goal:g})",
            flush=True,
        )

    def note(self, text: str) -> None:
        """Print a figure without a goal."""
        print(f"     {text}", flush=True)


def run(command: list[str]) -> Callable[[], object]:
    """Give a call that runs a command quietly in a fresh process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return lambda: subprocess.run(
        command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )


def command_line(bench: Bench, runs: int) -> None:
    """Cold starts against importing the three libraries every surface needs."""
    program = str(Path(sys.executable).parent / "hematon")
    imports = run([sys.executable, "-c", IMPORTS])
    run([program, "assess", str(DEMO), "--json"])()
    bench.line(
        "hematon assess, demo Bundle, JSON out, cold",
        *paired(run([program, "assess", str(DEMO), "--json"]), imports, runs),
        2.0,
    )
    bench.line("hematon --help, cold", *paired(run([program, "--help"]), imports, runs), 0.5)


def reading(bench: Bench, runs: int) -> None:
    """Reading a Bundle of about 20 KB against parsing it."""
    from bundle_20kb import make_bundle

    from hematon.interchange import fhir
    from hematon.knowledge import load_knowledge

    knowledge, raw = load_knowledge(), make_bundle()
    fhir.read(raw, knowledge)
    repeat = 200

    def read() -> None:
        for _ in range(repeat):
            fhir.read(raw, knowledge)

    def parse() -> None:
        for _ in range(repeat):
            orjson.loads(raw)

    took, base, ratio = paired(read, parse, runs)
    bench.line(
        f"fhir.read, {len(raw) / 1000:.0f} KB Bundle", took / repeat, base / repeat, ratio, 6.0
    )


def batch(bench: Bench, runs: int, n: int) -> None:
    """`assess_many` over many children against the arithmetic it cannot do without."""
    from hematon.engine import assess_columns
    from hematon.engine import batch as batch_module
    from hematon.engine import facts as facts_module
    from hematon.engine.differential import Evidence, differential
    from hematon.engine.trends import serial_facts
    from hematon.knowledge import load_knowledge

    knowledge = load_knowledge()
    columns = random_columns(knowledge, n)
    built = batch_module.build(columns, knowledge)
    serial = serial_facts(built, knowledge)
    facts = facts_module.of_batch(built, knowledge, serial.facts)
    evidence = Evidence(
        np.stack([facts.finding(f) for f in knowledge.finding_ids], axis=1), serial.onset_age
    )
    setting = knowledge.settings["default"]
    bare = bare_arithmetic(knowledge, n)
    bare()

    def score() -> object:
        return differential(built, facts, evidence, knowledge, setting)

    def everything() -> object:
        return assess_columns(columns, knowledge)

    bench.line(f"differential, {n:,} children", *paired(score, bare, runs), 3.0)
    bench.line(f"assess_many, {n:,} children, everything", *paired(everything, bare, runs), 10.0)
    took, _, ratio = paired(lambda: assess_columns(columns, knowledge).tests, bare, runs)
    bench.note(f"with what each test would tell: {took * 1e3:.0f} ms, {ratio:.1f} times")
    peaks = []
    for size in (n // 10, n // 5):
        part = random_columns(knowledge, size)
        tracemalloc.start()
        assess_columns(part, knowledge)
        peaks.append(tracemalloc.get_traced_memory()[1] / size)
        tracemalloc.stop()
    bench.line(
        "memory a child, twice the batch against the batch",
        peaks[1] / 1e6,
        peaks[0] / 1e6,
        peaks[1] / peaks[0],
        1.2,
    )
    bench.note(f"memory a child: {peaks[0] / 1e3:.1f} kB; a stream holds one chunk of 512")


def trends(bench: Bench, runs: int, n: int) -> None:
    """Trends over series of 12 to 40 draws against SciPy's periodogram in a loop."""
    from scipy.signal import lombscargle

    from hematon.engine import assess_columns
    from hematon.engine import batch as batch_module
    from hematon.engine.periodicity import SPANS, detrended, grid, peaks
    from hematon.engine.trends import serial_facts
    from hematon.knowledge import load_knowledge

    knowledge = load_knowledge()
    columns = serial_columns(knowledge, n)
    built = batch_module.build(columns, knowledge)
    cycles = serial_facts(built, knowledge).cycles
    given, shortest = cycles.series, 2 * cycles.gap
    flat = detrended(given)[0]
    sample = range(0, len(given), max(1, len(given) // 500))
    tables = [grid(next(s for s in SPANS if given.span[i] < s)) for i in sample]

    def ours() -> None:
        peaks(given, shortest)

    def theirs() -> None:
        for i, table in zip(sample, tables, strict=True):
            at = slice(given.start[i], given.start[i + 1])
            lombscargle(
                given.day[at].astype(float),
                flat[at],
                2 * np.pi * table.frequency,
                floating_mean=True,
                normalize=True,
            )

    # One core each: SciPy's loop has no more.
    took, base, _ = paired(ours, theirs, runs)
    each, other = took / len(given), base / len(sample)
    bench.line(
        f"periodogram and peak, {len(given):,} series, one each",
        each,
        other,
        each / other,
        0.05,
    )
    bench.note(f"{1 / each:,.0f} series a second, SciPy in a loop {1 / other:,.0f}")
    took, base, _ = paired(lambda: serial_facts(built, knowledge), theirs, runs)
    each = took / n
    bench.note(
        f"every serial fact, slopes, cycles and permutations: {1 / each:,.0f} children a second, "
        f"{other / each:.0f} times SciPy's periodogram alone; "
        f"{int((cycles.permutations > 0).sum()):,} of {n:,} permuted"
    )
    whole = paired(lambda: assess_columns(columns, knowledge), theirs, 1)[0]
    bench.note(f"the whole assessment of them: {n / whole:,.0f} children a second")


def tests(bench: Bench, runs: int, n: int) -> None:
    """What each test considered costs, with what its outcomes would do, against a differential."""
    from hematon.engine import assess_many, next_tests
    from hematon.engine.describe_ranking import chosen_tests, outcome_rows, suggested_tests
    from hematon.engine.differential import differential
    from hematon.engine.what_if import judged_with
    from hematon.interchange import fhir
    from hematon.knowledge import load_knowledge

    knowledge = load_knowledge()
    case = fhir.read(DEMO.read_bytes(), knowledge).value
    considered = sum(t.row >= 0 for t in knowledge.tests)

    def compare(name: str, size: int, repeat: int) -> None:
        result = assess_many([case] * size, knowledge)
        seen, posterior = result.presentation, result.differential.posterior

        def consider() -> None:
            for _ in range(repeat):
                next_tests.gains(posterior, result.facts, result.batch, knowledge)
                if size == 1:
                    chosen = chosen_tests(result, 0)
                    after = judged_with(result, 0, outcome_rows(chosen, knowledge))
                    suggested_tests(result, 0, chosen, after)

        def score() -> None:
            for _ in range(repeat):
                differential(seen.batch, seen.facts, result.evidence, knowledge, result.setting)

        consider()
        took, base, ratio = paired(consider, score, runs)
        bench.line(
            f"next tests, {name}, a test considered",
            took / repeat / considered,
            base / repeat,
            ratio / considered,
            3.0,
        )

    compare("one case with every outcome", 1, 20)
    compare(f"{n:,} children", n, 1)


def peer(bench: Bench, runs: int) -> None:
    """A child in batch against hpo3's semantic similarity over the same conditions."""
    from pyhpo import HPOSet, Ontology

    from hematon.engine import assess_columns
    from hematon.engine.case import Case, Finding
    from hematon.engine.columns import columns_of
    from hematon.knowledge import load_knowledge
    from hematon.knowledge.compiled import SOMETHING_ELSE

    knowledge = load_knowledge()
    Ontology()
    rng = np.random.default_rng(0)
    terms = sorted({f.hpo for f in knowledge.findings.values() if f.hpo})
    children = [list(rng.choice(terms, size=8, replace=False)) for _ in range(2000)]
    profiles = []
    for condition in knowledge.conditions:
        if condition.id == SOMETHING_ELSE:
            continue
        mine = [knowledge.findings[f].hpo for f in knowledge.stated_evidence(condition.id)]
        profiles.append(HPOSet.from_queries([t for t in mine if t]))
    sets = [HPOSet.from_queries(child) for child in children[:10]]
    cases = [
        Case(str(i), "male", 2500, findings=tuple(Finding(t, True) for t in child))
        for i, child in enumerate(children)
    ]
    columns = columns_of(cases, knowledge)

    def ours() -> None:
        assess_columns(columns, knowledge)

    def theirs() -> None:
        for child in sets:
            for profile in profiles:
                child.similarity(profile)

    took, base, _ = paired(ours, theirs, runs)
    ours_each, theirs_each = took / len(cases), base / len(sets)
    bench.line(
        "a child in batch against hpo3 similarity",
        ours_each,
        theirs_each,
        ours_each / theirs_each,
        # Some 700 diseases on our side, 67 profiles on the other.
        0.02,
    )
    bench.note(f"{theirs_each / ours_each:,.0f} times faster a child")


def main() -> None:
    """Run every benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs, a smaller batch")
    parser.add_argument("--only", choices=["cli", "read", "batch", "tests", "trends", "peer"])
    options = parser.parse_args()
    runs, n = (3, 20_000) if options.quick else (7, 100_000)
    bench = Bench()
    print(
        json.dumps(
            {"python": sys.version.split()[0], "numpy": np.__version__, "cores": os.cpu_count()}
        )
    )
    if options.only in (None, "cli"):
        command_line(bench, runs if options.quick else 15)
    if options.only in (None, "read"):
        reading(bench, runs)
    if options.only in (None, "batch"):
        batch(bench, runs, n)
    if options.only in (None, "trends"):
        trends(bench, 3, n)
    if options.only in (None, "tests"):
        tests(bench, runs, n // 20)
    if options.only in (None, "peer"):
        peer(bench, 3)
    sys.exit(1 if bench.missed else 0)


if __name__ == "__main__":
    main()
