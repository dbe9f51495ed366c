"""The command line: `hematon assess | explain | convert | evaluate | knowledge | serve ...`.

Nothing heavy is imported until a command needs it, so help prints at once. Exit codes:

    0  done
    1  a fault of Hematon itself
    2  wrong usage
    3  nothing could be read
    4  done, but part of the input was refused: see the issues
    5  the clinical knowledge is wrong or missing
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from datetime import date

    from hematon.engine.assessment import Assessment
    from hematon.engine.case import Case
    from hematon.errors import Issue, Reading
    from hematon.knowledge import Knowledge

EXIT_FAULT, EXIT_UNREADABLE, EXIT_REFUSED, EXIT_KNOWLEDGE = 1, 3, 4, 5
CHUNK = 512
"""Records judged together when a stream is read: bounds memory, keeps the arrays large."""

INPUTS = click.argument("paths", nargs=-1, required=True, metavar="PATH...")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 2 usage, 3 unreadable, 4 part of the input refused, "
    "5 knowledge wrong.",
)
@click.version_option(package_name="hematon", prog_name="hematon")
def cli() -> None:
    """From a child's blood count to the right care: explained, cited, for clinicians.

    \b
    hematon assess child.json                 report in the terminal
    hematon assess child.csv --html out.html  report as one HTML file
    hematon explain fanconi_anemia child.json every likelihood ratio of one condition
    hematon knowledge show fanconi_anemia     what Hematon knows, with sources
    hematon evaluate cases/                   how good the ranking is on published patients
    """


@cli.command()
@INPUTS
@click.option(
    "--setting",
    metavar="NAME",
    help="Whose prior: referral (default), population, general_pediatrics, hematology_clinic, "
    "marrow_failure_clinic.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Look at nothing after this day.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON; one line per record if many.")
@click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write one self-contained HTML report.",
)
@click.option(
    "--fhir",
    "fhir_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write a FHIR R4 DiagnosticReport.",
)
@click.option(
    "--explain", "explained", metavar="CONDITION", help="Show every contribution for one condition."
)
@click.option(
    "--leave-out-own-sources",
    "leave_out_own",
    is_flag=True,
    help="Drop evidence that rests on the record's own publications alone.",
)
@click.option("--color/--no-color", default=None, help="Force or forbid color.")
def assess(
    paths: tuple[str, ...],
    setting: str | None,
    as_of: Any,
    as_json: bool,
    html_file: str | None,
    fhir_file: str | None,
    explained: str | None,
    leave_out_own: bool,
    color: bool | None,
) -> None:
    """Assess one record, or many, from FHIR R4, phenopackets or CSV.

    PATH is a file, a folder of FHIR resources, or - for standard input. One record gives a
    report; several give one JSON line each, with progress on standard error.

    \b
    hematon assess examples/demo_child.json
    hematon assess counts.csv --setting hematology_clinic
    hematon assess bundle.json --json | jq .urgency
    hematon assess packets.ndjson > assessments.ndjson
    cat bundle.json | hematon assess - --html report.html
    hematon assess published.json --leave-out-own-sources
    """
    knowledge = _knowledge()
    _check_names(knowledge, setting, explained)
    day = as_of.date() if as_of is not None else None
    readings = _readings(paths, knowledge)
    first = next(readings, None)
    second = next(readings, None)
    if first is None:
        _fail("nothing was found to read", EXIT_UNREADABLE)
    elif second is None:
        if leave_out_own and first.value is not None:
            knowledge = _without_own(first.value, knowledge)
        _assess_one(first, knowledge, setting, day, as_json, html_file, fhir_file, explained, color)
    elif html_file or fhir_file or explained:
        _fail("--html, --fhir and --explain need a single record; this input has several", 2)
    else:
        chunks = _chain(first, second, readings)
        _assess_many(chunks, knowledge, setting, day, leave_out_own)


@cli.command()
@click.argument("condition")
@INPUTS
@click.option("--setting", metavar="NAME", help="Whose prior; see assess --help.")
@click.pass_context
def explain(
    context: click.Context, condition: str, paths: tuple[str, ...], setting: str | None
) -> None:
    """Show why a condition stands where it stands: every likelihood ratio with its source.

    \b
    hematon explain dba examples/demo_child.json
    """
    context.invoke(assess, paths=paths, setting=setting, explained=condition)


@cli.command()
@INPUTS
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Choice(["fhir", "phenopacket", "csv"]),
    help="Format to write.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="File to write; standard output when left out.",
)
def convert(paths: tuple[str, ...], target: str, output: str | None) -> None:
    """Convert a record between FHIR R4, GA4GH phenopacket v2 and CSV.

    \b
    hematon convert bundle.json --to phenopacket -o packet.json
    hematon convert counts.csv --to fhir > bundle.json
    """
    knowledge = _knowledge()
    refused = False
    written: list[str] = []
    for reading in _readings(paths, knowledge):
        refused |= reading.has_errors
        _print_issues(reading.issues)
        if reading.value is not None:
            text = _write(reading.value, knowledge, target)
            # One heading for a table of several records.
            written.append(text.partition("\n")[2] if target == "csv" and written else text)
    if not written:
        raise SystemExit(EXIT_UNREADABLE)
    text = "\n".join(written)
    if output:
        _save(output, text + "\n")
    else:
        click.echo(text)
    raise SystemExit(EXIT_REFUSED if refused else 0)


@cli.command()
@click.argument("cases", required=False, type=click.Path(), metavar="[CASES]")
@click.option(
    "--page",
    "page_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the page, and the reliability plot beside it.",
)
@click.option(
    "--figures",
    "figures_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write every figure as JSON.",
)
@click.option(
    "--tested",
    "tested_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the tallies that the clinician report reads.",
)
@click.option(
    "--baselines",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Other rankings of the same cases, made by tools/rank_baselines.py.",
)
@click.option(
    "--leave-out-own-sources/--keep-own-sources",
    "leave_out_own",
    default=True,
    help="Judge each case without evidence that rests on its own publication alone (default).",
)
@click.option("--with-variants", is_flag=True, help="Let the engine see reported genes, variants.")
@click.option("--setting", metavar="NAME", help="Whose prior; see assess --help.")
@click.option("--json", "as_json", is_flag=True, help="Print every figure as JSON.")
def evaluate(
    cases: str | None,
    page_file: str | None,
    figures_file: str | None,
    tested_file: str | None,
    baselines: str | None,
    leave_out_own: bool,
    with_variants: bool,
    setting: str | None,
    as_json: bool,
) -> None:
    """Measure the ranking on published patients: how often right, and whether shares hold.

    CASES is a file or folder of phenopackets, JSON Lines of published cases, and surveys (Parquet);
    cases under HEMATON_SHARED, or ../shared, when left out. Diagnoses are withheld from the
    engine, and genes and variants unless asked for. The same cases give the same output.

    \b
    hematon evaluate
    hematon evaluate packets/ --json > figures.json
    hematon evaluate ../shared/cases --page docs/evaluation.md --figures docs/evaluation.json
    """
    from pathlib import Path

    from hematon.errors import KnowledgeError, UnreadableError
    from hematon.evaluation.figures import write_json
    from hematon.evaluation.run import PLOT_SUFFIX, siblings_of
    from hematon.evaluation.run import evaluate as run

    # Thousands of cases make garbage that one record does not.
    gc.enable()
    knowledge = _knowledge()
    _check_names(knowledge, setting, None)
    place = Path(cases) if cases else Path(os.environ.get("HEMATON_SHARED", "../shared")) / "cases"
    try:
        with _bars() as progress:
            found = run(
                place,
                knowledge,
                setting=setting,
                leave_out_own=leave_out_own,
                include_variants=with_variants,
                baselines=Path(baselines) if baselines else None,
                progress=progress,
            )
    except UnreadableError as error:
        _print_issues(error.issues)
        raise SystemExit(EXIT_UNREADABLE) from None
    except KnowledgeError as error:
        _print_issues(error.issues)
        _fail(str(error), EXIT_KNOWLEDGE)
    for note in found.notes:
        click.echo(note, err=True)
    if page_file:
        plot = Path(page_file).with_name(Path(page_file).stem + PLOT_SUFFIX)
        _save(page_file, found.page(plot.name, siblings_of(Path(page_file))))
        _save(str(plot), found.plot())
    if figures_file:
        _save(figures_file, found.figures.to_json().decode())
    if tested_file:
        _save(tested_file, write_json(found.figures.tested).decode())
    if as_json:
        sys.stdout.buffer.write(found.figures.to_json())
    elif not (page_file or figures_file or tested_file):
        click.echo(found.page(), nl=False)
    raise SystemExit(EXIT_REFUSED if found.unreadable else 0)


@contextlib.contextmanager
def _bars() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Show a bar for each step on standard error, and nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as p:

        def start(title: str) -> Callable[[int, int], None]:
            task = p.add_task(title, total=None)
            return lambda done, total: p.update(task, completed=done, total=total)

        yield start


@cli.group()
def knowledge() -> None:
    """Look at and check the clinical knowledge."""


@knowledge.command()
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False),
    help="Check this folder of knowledge files instead of the package's own.",
)
def check(folder: str | None) -> None:
    """Check every knowledge file: schema, and every rule across files."""
    from pathlib import Path

    from hematon.errors import KnowledgeError
    from hematon.knowledge.checks import run_checks
    from hematon.knowledge.describe import grade_counts
    from hematon.knowledge.files import DATA, read_files

    try:
        files = read_files(Path(folder) if folder else DATA)
    except KnowledgeError as error:
        _print_issues(error.issues)
        raise SystemExit(EXIT_KNOWLEDGE) from None
    issues = run_checks(files)
    _print_issues(issues)
    if issues:
        raise SystemExit(EXIT_KNOWLEDGE)
    grades = ", ".join(f"{count} {grade}" for grade, count in grade_counts(files).items())
    click.echo(
        f"{len(files.conditions)} conditions, {len(files.findings.findings)} findings, "
        f"{len(files.tests.tests)} tests, {len(files.sources.sources)} sources: no problem found\n"
        f"evidence: {grades}"
    )


@knowledge.command()
@click.argument("entry")
def show(entry: str) -> None:
    """Show one entry: a condition, finding, test, analyte, source or rule.

    \b
    hematon knowledge show fanconi_anemia
    hematon knowledge show HP:0001172
    hematon knowledge show U1a
    """
    from hematon.knowledge.describe import UnknownEntryError
    from hematon.knowledge.describe import show as describe_entry
    from hematon.knowledge.files import read_files

    try:
        click.echo(describe_entry(read_files(), entry))
    except UnknownEntryError as error:
        _fail(str(error), 2)


@knowledge.command()
@click.option(
    "--status",
    type=click.Choice(["retrieved", "recalled", "expert"]),
    help="Only sources read this far.",
)
def sources(status: str | None) -> None:
    """List every source, how far it was read and how often it is cited."""
    from hematon.knowledge.describe import list_sources
    from hematon.knowledge.files import read_files

    for source in list_sources(read_files()):
        if status is None or source.status == status:
            click.echo(f"{source.id:18} {source.status:10} {source.uses:5}  {source.citation}")


@knowledge.command()
@click.argument("old", type=click.Path(exists=True, file_okay=False))
@click.argument("new", required=False, type=click.Path(exists=True, file_okay=False))
def diff(old: str, new: str | None) -> None:
    """Show what changed between two folders of knowledge files (NEW: the package's own).

    Every value that differs, tables of annotations and fitted weights included; last, how many
    in each file.
    """
    from collections import Counter
    from pathlib import Path

    from hematon.errors import KnowledgeError
    from hematon.knowledge.describe import diff as compare
    from hematon.knowledge.files import DATA, read_files

    try:
        changes = compare(read_files(Path(old)), read_files(Path(new) if new else DATA))
    except KnowledgeError as error:
        _print_issues(error.issues)
        raise SystemExit(EXIT_KNOWLEDGE) from None
    for change in changes:
        click.echo(f"{change.file}  {change.path}\n  - {change.old}\n  + {change.new}")
    # A new release of the annotations changes thousands of lines: say where.
    counts = Counter(change.file for change in changes)
    for file, count in counts.items():
        click.echo(f"{count:6,}  {file}")
    click.echo(f"{len(changes):,} change(s)")


@cli.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False),
    default="portal-demo",
    show_default=True,
    help="Folder of the database and the secret; made when missing.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, help="Number of processes.")
def serve(directory: str, host: str, port: int, workers: int) -> None:
    """Open the portal with demonstration content, on this machine.

    Families need no account. Staff sign in with the account written to the folder, and set up a
    second factor first.

    \b
    hematon serve
    hematon serve --port 8080 --dir my-portal
    """
    from pathlib import Path

    try:
        from hematon.portal.serve import serve as start
    except ImportError as error:
        raise click.UsageError(
            "the portal is not installed: pip install 'hematon[portal]'"
        ) from error
    start(Path(directory), host, port, workers)


@cli.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def portal(words: tuple[str, ...]) -> None:
    """Run a portal: staff accounts and checks; `hematon portal --help` lists them."""
    try:
        from hematon.portal.commands import portal as commands
    except ImportError as error:
        raise click.UsageError(
            "the portal is not installed: pip install 'hematon[portal]'"
        ) from error
    commands(args=list(words), prog_name="hematon portal")


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print shell completion; for bash: eval "$(hematon completion bash)"."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(cli, {}, "hematon", "_HEMATON_COMPLETE").source())


# --- reading -----------------------------------------------------------------------------------


def _knowledge() -> Knowledge:
    from hematon.errors import KnowledgeError
    from hematon.knowledge import load_knowledge

    try:
        return load_knowledge()
    except KnowledgeError as error:
        _print_issues(error.issues)
        _fail(str(error), EXIT_KNOWLEDGE)
        raise


def _check_names(knowledge: Knowledge, setting: str | None, condition: str | None) -> None:
    if setting is not None and setting not in knowledge.settings["all"]:
        names = ", ".join(knowledge.settings["all"])
        _fail(f"no setting named {setting!r}; choose one of {names}", 2)
    if condition is not None and condition not in knowledge.condition_ids:
        import difflib

        near = difflib.get_close_matches(condition, knowledge.condition_ids, n=3, cutoff=0.4)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        _fail(f"no condition named {condition!r}{hint}", 2)


def _readings(paths: Iterable[str], knowledge: Knowledge) -> Iterator[Reading[Case]]:
    """Read every path; a document that cannot be read gives a reading without a value."""
    from datetime import date
    from pathlib import Path

    from hematon.errors import Reading, UnreadableError
    from hematon.interchange.detect import read_any
    from hematon.interchange.folder import read_bytes, read_folder

    today = date.today()  # noqa: TID251 the command line is where the clock may be read
    for path in paths:
        try:
            if path == "-":
                yield from read_any(sys.stdin.buffer.read(), knowledge, today=today, name="-")
            elif Path(path).is_dir():
                yield from read_folder(Path(path), knowledge, today=today)
            else:
                name = Path(path).name.removesuffix(".gz")
                yield from read_any(read_bytes(Path(path)), knowledge, today=today, name=name)
        except UnreadableError as error:
            yield Reading(None, error.issues)


def _chain(
    first: Reading[Case], second: Reading[Case], rest: Iterator[Reading[Case]]
) -> Iterator[Reading[Case]]:
    yield first
    yield second
    yield from rest


# --- assessing ---------------------------------------------------------------------------------


def _assess_one(
    reading: Reading[Case],
    knowledge: Knowledge,
    setting: str | None,
    as_of: date | None,
    as_json: bool,
    html_file: str | None,
    fhir_file: str | None,
    explained: str | None,
    color: bool | None,
) -> None:
    from hematon.engine import assess as judge
    from hematon.report.tested import with_doubt

    if reading.value is None:
        _print_issues(reading.issues)
        raise SystemExit(EXIT_UNREADABLE)
    wanted = frozenset([explained]) if explained else frozenset[str]()
    result = judge(
        reading.value,
        knowledge,
        setting=setting,
        as_of=as_of,
        issues=reading.issues,
        explain=wanted,
    )
    result = with_doubt(result)
    if html_file:
        from hematon.report import html

        _save(html_file, html.render(result, knowledge))
    if fhir_file:
        import orjson

        from hematon.report import fhir

        resource = fhir.render(result, knowledge)
        _save(fhir_file, orjson.dumps(resource, option=orjson.OPT_INDENT_2).decode() + "\n")
    if as_json:
        sys.stdout.buffer.write(result.to_json() + b"\n")
    elif explained or not (html_file or fhir_file):
        _print_report(result, explained, color)
    raise SystemExit(EXIT_REFUSED if reading.has_errors else 0)


def _print_report(result: Assessment, explained: str | None, color: bool | None) -> None:
    from rich.console import Console

    from hematon.report import terminal

    console = Console(
        no_color=color is False,
        force_terminal=True if color else None,
        highlight=False,
        width=None if sys.stdout.isatty() or color else 100,
    )
    terminal.render(result, console, explain=explained)


def _without_own(case: Case, knowledge: Knowledge) -> Knowledge:
    """Leave out what rests on a record's own publications alone, and say what that was."""
    from hematon.knowledge.without import leave_out, resting_on

    left = resting_on(knowledge, case.publications)
    names = ", ".join(sorted(left)) or "nothing; no evidence rests on them alone"
    click.echo(f"left out with the record's own publications: {names}", err=True)
    return leave_out(case.publications)


def _assess_many(
    readings: Iterator[Reading[Case]],
    knowledge: Knowledge,
    setting: str | None,
    as_of: date | None,
    leave_out_own: bool,
) -> None:
    """Write one JSON line per record, in order; count what was assessed and what was not."""
    gc.enable()
    read = assessed = refused = 0
    chunk: list[Reading[Case]] = []
    for reading in readings:
        read += 1
        chunk.append(reading)
        if len(chunk) == CHUNK:
            assessed += _write_lines(chunk, knowledge, setting, as_of, leave_out_own)
            refused += sum(r.has_errors for r in chunk)
            chunk = []
            _progress(read, assessed)
    assessed += _write_lines(chunk, knowledge, setting, as_of, leave_out_own)
    refused += sum(r.has_errors for r in chunk)
    click.echo(f"{read} read = {assessed} assessed + {read - assessed} rejected", err=True)
    if not assessed:
        raise SystemExit(EXIT_UNREADABLE)
    raise SystemExit(EXIT_REFUSED if refused else 0)


def _write_lines(
    chunk: list[Reading[Case]],
    knowledge: Knowledge,
    setting: str | None,
    as_of: date | None,
    leave_out_own: bool,
) -> int:
    import orjson

    from hematon.engine import assess_many
    from hematon.knowledge.without import each_without_own
    from hematon.report.tested import with_doubt

    cases = [r.value for r in chunk if r.value is not None]
    batches = [(knowledge, list(range(len(cases))))]
    if leave_out_own:
        batches = each_without_own([case.publications for case in cases])
    judged = {}
    for used, rows in batches:
        result = assess_many([cases[i] for i in rows], used, setting=setting, as_of=as_of)
        judged.update({i: (result, row) for row, i in enumerate(rows)})
    done = 0
    for reading in chunk:
        if reading.value is None:
            line = orjson.dumps({"id": None, "issues": list(reading.issues)})
        else:
            result, row = judged[done]
            one = result.row(row, reading.value, issues=reading.issues, as_of=as_of)
            line = with_doubt(one).to_json()
            done += 1
        sys.stdout.buffer.write(line + b"\n")
    return done


def _progress(read: int, assessed: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{read:,} read, {read - assessed:,} rejected", nl=False, err=True)


def _write(case: Case, knowledge: Knowledge, target: str) -> str:
    import orjson

    if target == "fhir":
        from hematon.interchange.fhir_write import write as write_fhir

        return orjson.dumps(write_fhir(case, knowledge)).decode()
    if target == "phenopacket":
        from hematon.interchange.phenopacket_write import write as write_packet

        return orjson.dumps(write_packet(case, knowledge)).decode()
    from hematon.interchange.tabular_write import write as write_table

    return write_table(case, knowledge).rstrip("\n")


def _save(file: str, text: str) -> None:
    """Write a file and say so; a place that cannot be written is a usage error."""
    try:
        with open(file, "w", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        _fail(f"{file} cannot be written: {error.strerror}", 2)
    click.echo(f"written: {file}", err=True)


# --- saying ------------------------------------------------------------------------------------


def _print_issues(issues: Iterable[Issue]) -> None:
    for issue in issues:
        fix = f" ({issue.fix})" if issue.fix else ""
        click.echo(f"{issue.level}: {issue.where}: {issue.message} [{issue.code}]{fix}", err=True)


def _fail(message: str, code: int) -> None:
    click.echo(f"hematon: {message}", err=True)
    raise SystemExit(code)


def main() -> None:
    """Run the command line; a closed pipe ends it quietly.

    Everything is written by then, so the process leaves without taking the interpreter apart
    piece by piece: that would cost more than reading a record.
    """
    code: int | str | None = 0
    # One record makes no garbage worth looking for; a stream turns the collector on again.
    gc.disable()
    try:
        cli(prog_name="hematon")
    except SystemExit as ended:
        code = ended.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(BrokenPipeError, ValueError):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else bool(code))
