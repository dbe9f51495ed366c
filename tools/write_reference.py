"""Write `docs/reference`: what can be generated from the code and the knowledge, and only that.

    python tools/write_reference.py            write every file that is not current
    python tools/write_reference.py --check    write nothing; exit 1 when one is not current

Each file has one writer below, from one source: the issue codes of `errors.py`, the result classes
of `engine/assessment*.py` and `evaluation/figures.py`, the records of `knowledge/records.py`, the
commands of `cli.py`, and the rules in `knowledge/data`. Nothing in the output depends on the clock,
the machine or its terminal.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from hematon import cli
from hematon.engine import assessment, assessment_trends
from hematon.errors import ISSUE_CODES
from hematon.evaluation import figures
from hematon.knowledge import records
from hematon.knowledge.facts import FACTS
from hematon.knowledge.files import FOLDERS, SINGLE_FILES, KnowledgeFiles, read_files
from hematon.knowledge.rule_text import RuleText

OUT = Path(__file__).parents[1] / "docs/reference"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
HELP_WIDTH = 88
MADE = "Made by `tools/write_reference.py` (`make docs`); do not edit by hand."
LEVELS = {
    "E": "go now",
    "U24": "within 24 hours",
    "U72": "within 72 hours",
    "S2": "within two weeks",
    "R": "within eight weeks",
    "none": "no referral",
}

Json = dict[str, Any]
Row = Sequence[str]


# --- issues ------------------------------------------------------------------------------------


def write_issues() -> str:
    """Give the table of issue codes."""
    return _page(
        "Issue codes",
        "What a reader, or the assessment, may find wrong in an input. An issue has a level "
        "(`error` when something was lost or refused, `warning` when it was kept), one of these "
        "codes, the place in the document, a message and a fix. It never repeats the value. The "
        "codes are stable; the messages are not. Codes of `hematon knowledge check` are in "
        "[knowledge.md](../knowledge.md).",
        *_table(("code", "means"), ((f"`{code}`", text) for code, text in ISSUE_CODES.items())),
    )


# --- schemas -----------------------------------------------------------------------------------


def write_assessment_schema() -> str:
    """Give the JSON Schema of an Assessment."""
    schema = _result_schema("Assessment", assessment, assessment_trends)
    schema["$defs"]["Versions"]["properties"]["schema"]["const"] = assessment.SCHEMA_VERSION
    return _json(
        {
            "$schema": DRAFT,
            "title": f"Hematon assessment, schema version {assessment.SCHEMA_VERSION}",
            **{key: value for key, value in _plain(schema).items() if key != "title"},
        }
    )


def write_evaluation_schema() -> str:
    """Give the JSON Schema of the figures of an evaluation."""
    schema = _result_schema("Figures", figures)
    schema["properties"]["schema"]["const"] = figures.SCHEMA_VERSION
    return _json(
        {
            "$schema": DRAFT,
            "title": f"Hematon evaluation, schema version {figures.SCHEMA_VERSION}",
            **{key: value for key, value in _plain(schema).items() if key != "title"},
        }
    )


def _result_schema(whole: str, *modules: ModuleType) -> Json:
    """Give the schema of a result class, with the `Attributes:` of each class described."""
    schema = TypeAdapter(getattr(modules[0], whole)).json_schema(mode="serialization")
    for name, part in ((whole, schema), *schema["$defs"].items()):
        # Every field is always written, also one with a default.
        part["required"], part["additionalProperties"] = list(part["properties"]), False
        kind = next(getattr(module, name) for module in modules if hasattr(module, name))
        described = _attributes(kind.__doc__ or "")
        for field, text in described.items():
            part["properties"][field]["description"] = text
    return schema


def _attributes(docstring: str) -> dict[str, str]:
    """Give the `Attributes:` of a docstring, name to text on one line."""
    found: dict[str, str] = {}
    names: list[str] = []
    # From Python 3.13 on a docstring comes without the indentation of its code.
    for line in inspect.cleandoc(docstring).partition("Attributes:")[2].splitlines():
        if match := re.fullmatch(r" {4}(\w+(?:, \w+)*): (.*)", line):
            names = match[1].split(", ")
            found |= dict.fromkeys(names, match[2].strip())
        elif line.startswith(" " * 8):
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def write_knowledge_schema() -> str:
    """Give one JSON Schema with a definition for every knowledge file."""
    kinds = {**SINGLE_FILES, **{f"{name}/*.yaml": kind for name, kind in FOLDERS.items()}}
    _, schema = models_json_schema([(kind, "validation") for kind in kinds.values()])
    files = {name: {"$ref": f"#/$defs/{kind.__name__}"} for name, kind in sorted(kinds.items())}
    return _json(
        {
            "$schema": DRAFT,
            "title": "Hematon knowledge files",
            "description": "Each file of src/hematon/knowledge/data has one definition: "
            "`x-files` says which. An editor points at it, for a condition with "
            "knowledge.schema.json#/$defs/Condition.",
            "x-files": files,
            **_plain(schema),
        }
    )


def _plain(schema: Json) -> Json:
    """Leave out titles, which repeat the names, and put descriptions on one line."""

    def walk(part: Any) -> Any:
        if isinstance(part, list):
            return [walk(item) for item in part]
        if not isinstance(part, dict):
            return part
        out = {}
        for key, value in part.items():
            if key == "title" and isinstance(value, str):
                continue
            if key == "description" and isinstance(value, str):
                value = " ".join(value.partition("Attributes:")[0].split())
            out[key] = walk(value)
        return out

    plain: Json = walk(schema)
    return plain


def _json(schema: Json) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


# --- commands ----------------------------------------------------------------------------------


def write_cli() -> str:
    """Give the help text of every command."""
    exits = re.findall(r"^ {4}(\d)  (.+)$", cli.__doc__ or "", re.MULTILINE)
    parts = [
        "## Exit codes",
        "",
        *_table(("code", "means"), exits),
    ]
    for path, text in _commands(cli.cli, "hematon", None):
        parts += ["", f"## {path}", "", "```text", *text.splitlines(), "```"]
    return _page(
        "Commands", "The help of every command, as `hematon COMMAND --help` prints it.", *parts
    )


def _commands(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    settings = {**command.context_settings, "terminal_width": HELP_WIDTH}
    context = click.Context(command, parent=parent, info_name=name, **settings)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield context.command_path, text
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from _commands(found, child, context)


# --- rules -------------------------------------------------------------------------------------


def write_rules() -> str:
    """Give every rule in words beside what is evaluated, with grade and sources."""
    files = read_files()
    rules = RuleText(files)
    cited: set[str] = set()
    return _page(
        "Rules",
        "The rules of `src/hematon/knowledge/data` that decide without the likelihood model, each "
        "in its own words beside what is evaluated. Answers are yes, no or unknown; an exception "
        "(`unless`) counts only when it is known to apply. Grades are explained in "
        "[knowledge.md](../knowledge.md); `[retrieved]`, `[recalled]` and `[expert]` say how far "
        "a source was read. **None of these has been signed off for clinical use**: see "
        "[INTENDED_USE.md](../../INTENDED_USE.md).",
        *_urgency(files, rules, cited),
        *_severity(files, rules, cited),
        *_floor(files, rules, cited),
        *_hazards(files, rules, cited),
        *_definitions(files, rules, cited),
        *_cutoffs(files, cited),
        "",
        "## Facts that rules may ask for",
        "",
        *_table(("fact", "means"), ((f"`{name}`", text) for name, text in FACTS.items())),
        "",
        "## Sources",
        "",
        *_table(
            ("source", "citation"),
            (
                (f"`{s.id}`", f"{s.citation} [{s.status}]")
                for s in files.sources.sources
                if s.id in cited
            ),
        ),
    )


def _urgency(files: KnowledgeFiles, rules: RuleText, cited: set[str]) -> Iterator[str]:
    yield from ("", f"## Urgency, edition {files.urgency.edition}", "")
    yield "The highest matching rule wins. From `urgency.yaml`."
    for level, meaning in LEVELS.items():
        yield from ("", f"### {level}: {meaning}", "")
        yield from _table(
            ("rule", "says", "evaluated as", "act", "rests on"),
            (
                (
                    f"`{r.id}` {r.name}",
                    r.text,
                    _evaluated(rules, r.when, r.unless),
                    "; ".join(filter(None, (r.act, r.confirm))),
                    _rests_on(r.grade, r.source, cited),
                )
                for r in files.urgency.rules
                if r.level == level
            ),
        )


def _severity(files: KnowledgeFiles, rules: RuleText, cited: set[str]) -> Iterator[str]:
    yield from ("", "## Severity criteria")
    for file in files.severity:
        yield from ("", f"### {file.criteria.replace('_', ' ')}, edition {file.edition}", "")
        yield from _table(
            ("criterion", "says", "evaluated as", "rests on"),
            (
                (
                    f"`{r.id}` {r.name}" + ("; needs a marrow" if r.needs_marrow else ""),
                    r.text,
                    _evaluated(rules, r.when, r.unless),
                    _rests_on(r.grade, r.source, cited),
                )
                for r in file.rules
            ),
        )


def _floor(files: KnowledgeFiles, rules: RuleText, cited: set[str]) -> Iterator[str]:
    floor = files.floor
    names = {c.id: c.name for c in files.conditions}
    yield from ("", f"## Always shown (safety floor), edition {floor.edition}", "")
    yield f"All of it rests on {_rests_on(floor.grade, floor.source, cited)}."
    yield ""
    yield from _table(
        ("rule", "evaluated as", "conditions"),
        (
            (
                f"`{r.id}` {r.name}",
                _evaluated(rules, r.when, r.unless),
                "; ".join(names[c] for c in r.conditions),
            )
            for r in floor.rules
        ),
    )
    yield from ("", "What lets a condition leave the list:", "")
    yield from _table(
        ("condition", "result", "evaluated as"),
        ((names[e.condition], e.text, rules.write(e.when)) for e in floor.exclusions),
    )


def _hazards(files: KnowledgeFiles, rules: RuleText, cited: set[str]) -> Iterator[str]:
    names = {c.id: c.name for c in files.conditions}
    tests = {t.id: t.name for t in files.tests.tests}
    yield from ("", f"## Treatment hazards, edition {files.hazards.edition}", "")
    yield from _table(
        ("hazard", "says", "while possible", "evaluated as", "test", "rests on"),
        (
            (
                f"`{h.id}`",
                h.text,
                "; ".join(names[c] for c in h.conditions),
                _evaluated(rules, h.when, h.unless),
                tests.get(h.test or "", ""),
                _rests_on(h.grade, h.source, cited),
            )
            for h in files.hazards.hazards
        ),
    )


def _definitions(files: KnowledgeFiles, rules: RuleText, cited: set[str]) -> Iterator[str]:
    yield from ("", f"## Definitions, edition {files.definitions.edition}", "")
    yield from _table(
        ("definition", "says", "evaluated as", "rests on"),
        (
            (
                f"`{d.id}` {d.name}",
                d.text,
                _evaluated(rules, d.when, d.unless),
                _rests_on(d.grade, d.source, cited),
            )
            for d in files.definitions.definitions
        ),
    )


def _cutoffs(files: KnowledgeFiles, cited: set[str]) -> Iterator[str]:
    yield from ("", f"## Cut-offs that step with age, edition {files.cutoffs.edition}", "")
    yield from _table(
        ("cut-off", "population", "ages in days", "sex", "below", "rests on"),
        (
            (
                f"`{c.id}`",
                c.population,
                f"{s.from_days} to before {s.to_days}" if s.to_days else f"{s.from_days} on",
                s.sex,
                f"{s.value:g} {c.unit}",
                "; ".join(filter(None, (_rests_on(s.grade, s.source, cited), s.note))),
            )
            for c in files.cutoffs.cutoffs
            for s in c.steps
        ),
    )


def _evaluated(
    rules: RuleText, when: records.Criterion | None, unless: records.Criterion | None
) -> str:
    parts = [] if when is None else [rules.write(when)]
    parts += [] if unless is None else [f"**unless** {rules.write(unless)}"]
    return " ".join(parts) or "always"


def _rests_on(grade: str, source: Iterable[str], cited: set[str]) -> str:
    cited.update(source)
    return f"{grade}: {', '.join(source)}"


# --- pages -------------------------------------------------------------------------------------


def _page(title: str, introduction: str, *lines: str) -> str:
    text = "\n".join((f"# {title}", "", MADE, "", introduction, "", *lines)) + "\n"
    return re.sub(r"\n{3,}", "\n\n", text)


def _table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(_cell(text) for text in row)} |"


def _cell(text: str) -> str:
    # `10*9/L` twice in a cell would be read as emphasis; `<` as a tag.
    safe = re.sub(r"(?<!\*)\*(?!\*)", r"\*", text)
    return safe.replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


WRITERS: dict[str, Callable[[], str]] = {
    "issues.md": write_issues,
    "assessment.schema.json": write_assessment_schema,
    "evaluation.schema.json": write_evaluation_schema,
    "knowledge.schema.json": write_knowledge_schema,
    "cli.md": write_cli,
    "rules.md": write_rules,
}


def outdated(folder: Path = OUT) -> dict[Path, str]:
    """Give every generated file that is missing or not current, with what it should hold."""
    wanted = {folder / name: writer() for name, writer in WRITERS.items()}
    return {
        path: text
        for path, text in wanted.items()
        if not path.exists() or path.read_text("utf-8") != text
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; give the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if not current")
    checking = parser.parse_args(arguments).check
    stale = outdated()
    for path, text in stale.items():
        if not checking:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        print(f"{'not current' if checking else 'written'}: docs/reference/{path.name}")
    if checking and stale:
        print("run `make docs` and commit what it changes", file=sys.stderr)
    return 1 if checking and stale else 0


if __name__ == "__main__":
    sys.exit(main())
