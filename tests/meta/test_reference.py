"""The documentation says what the code does: generated files, codes, names, paths, commands."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from hematon.cli import cli
from hematon.engine.describe import LABEL
from hematon.errors import ISSUE_CODES
from hematon.knowledge import Knowledge
from hematon.knowledge.checks import CHECK_CODES
from tool_modules import tool_module

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src/hematon").rglob("*.py"))
GENERATED = ROOT / "docs/reference"
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
    if GENERATED not in path.parents
)

RESERVED: dict[str, str] = {}
"""Issue codes that are documented and not yet noted by any reader, and why."""
FILE_CODES = {"missing-file", "not-csv", "not-yaml", "schema"}
"""Codes of a knowledge file that cannot be read at all: no document of a patient has them."""
NOTERS = {"Issue": 1, "broken": 0}
"""Functions that take a code, with its place among the arguments; methods of readers below."""
NOTING_METHODS = {"error", "warn", "tally", "_error", "_unreadable", "_unknown"}


def tree_of(path: Path) -> ast.Module:
    """Parse a module of the package."""
    return ast.parse(path.read_text("utf-8"))


def tracked_files() -> list[Path]:
    """Every file under version control, or a skip that says what is missing."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files are tracked is not known")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


# --- generated files ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    """The generator, loaded from its file."""
    return tool_module("write_reference")


def test_generated_files_are_current(writer: ModuleType) -> None:
    """`make docs` would change nothing."""
    assert sorted(path.name for path in writer.outdated()) == []


def test_descriptions_do_not_depend_on_the_python(writer: ModuleType) -> None:
    """Python 3.13 takes the indentation out of docstrings; older ones leave it."""
    old = "What.\n\n    Attributes:\n        one, two: said\n            at length.\n    "
    wanted = dict.fromkeys(("one", "two"), "said at length.")
    assert writer._attributes(old) == wanted
    assert writer._attributes(inspect.cleandoc(old)) == wanted


def test_a_stale_file_fails_the_check(
    writer: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`--check` exits 1 and writes nothing while a file is missing or differs, then 0."""
    outdated = writer.outdated
    monkeypatch.setattr(writer, "outdated", lambda: outdated(tmp_path))
    assert writer.main(["--check"]) == 1
    assert list(tmp_path.iterdir()) == []
    assert writer.main([]) == 0
    assert writer.main(["--check"]) == 0
    (tmp_path / "issues.md").write_text("old", "utf-8")
    assert writer.main(["--check"]) == 1
    assert "not current: docs/reference/issues.md" in capsys.readouterr().out


def test_no_stray_file_in_reference(writer: ModuleType) -> None:
    """Everything in docs/reference is generated."""
    assert {path.name for path in GENERATED.iterdir()} == set(writer.WRITERS)


# --- issue codes -------------------------------------------------------------------------------


def noted_codes(path: Path) -> Iterator[str]:
    """Give the literal codes that a module notes issues with."""
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        at = NOTERS.get(name, 0 if name in NOTING_METHODS else None)
        if at is None or at >= len(node.args):
            continue
        for part in ast.walk(node.args[at]):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def test_every_code_used_is_registered() -> None:
    """No issue has a code that the documentation does not list."""
    known = ISSUE_CODES.keys() | CHECK_CODES.keys() | FILE_CODES
    unknown = {
        f"{path.name}: {code}"
        for path in SOURCES
        for code in noted_codes(path)
        if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", code) and code not in known
    }
    assert not unknown


def test_every_registered_code_is_used_or_reserved() -> None:
    """A documented code that nothing notes is listed as reserved, with the reason."""
    written = {
        node.value
        for path in SOURCES
        if path.name != "errors.py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert ISSUE_CODES.keys() - written == RESERVED.keys()


# --- sources and names -------------------------------------------------------------------------


def test_every_source_in_a_docstring_resolves(knowledge: Knowledge) -> None:
    """A `Source:` section names ids of sources.yaml."""
    cited = []
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                text = ast.get_docstring(node) or ""
                section = re.search(r"^Source:\n((?:[ ]{4}.*\n?)+)", text, re.MULTILINE)
                words = section[1].split() if section else []
                cited += [(path.name, word.strip(",;")) for word in words]
    assert cited, "no docstring cites a source"
    assert [found for found in cited if found[1] not in knowledge.sources] == []


def test_label_is_the_same_everywhere() -> None:
    """The label of the intended use is the label every report prints."""
    page = re.sub(r"^> ?", "", (ROOT / "INTENDED_USE.md").read_text("utf-8"), flags=re.MULTILINE)
    assert LABEL in " ".join(page.split())


def test_decisions_are_numbered_once() -> None:
    """Decision records run from 0001 without a gap or a repeat, each with its four parts."""
    records = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [path.name[:4] for path in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    for path in records:
        text = path.read_text("utf-8")
        assert text.startswith(f"# {path.name[:4]} "), path.name
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Options", "Choice", "Price"], path.name


def test_no_path_of_one_machine() -> None:
    """Nothing under version control names a place on somebody's computer."""
    places = "|".join(("wo" + "rk", "tm" + "p", "ro" + "ot", "ho" + "me", "Us" + "ers"))
    pattern = re.compile(rf"(?<![\w.:])/(?:{places})/\w")
    found = []
    for path in tracked_files():
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            if pattern.search(line.decode("utf-8", "replace")):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    assert not found


# --- paths and commands in the pages -----------------------------------------------------------

NAMED = re.compile(
    r"(?<![\w/.-])((?:src|tests|docs|tools|examples|benchmarks|requirements)/[\w./-]*\w/?)"
    r"(?:::(\w+))?(?![\w*<{])"
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_and_tests_exist(page: Path) -> None:
    """Every file, test and link that a page names is there."""
    text = page.read_text("utf-8")
    missing = []
    for name, test in NAMED.findall(text):
        path = ROOT / name
        if not path.exists():
            missing.append(name)
        elif test and not re.search(rf"^.*(?:def|id:) {test}\b", path.read_text(), re.MULTILINE):
            missing.append(f"{name}::{test}")
    missing += [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    assert not missing


def test_readings_name_code_and_cases_that_exist() -> None:
    """The readings point at modules of the package and at golden cases by their id."""
    text = (ROOT / "docs/spec-readings.md").read_text("utf-8")
    cases = {
        short: (ROOT / f"tests/cases/{name}.yaml").read_text("utf-8")
        for short, name in (("UR", "urgency"), ("SE", "severity"))
    }
    modules = re.findall(
        r"`((?:(?:engine|interchange|knowledge|report)/[\w./-]+|units)\.\w+)`", text
    )
    missing = [name for name in modules if not (ROOT / "src/hematon" / name).exists()]
    named = re.findall(r"\b(UR|SE) `(\w+)`", text)
    missing += [case for short, case in named if f"id: {case}," not in cases[short]]
    assert modules
    assert named
    assert not missing


def command_paths(
    command: click.Command, path: str = "hematon"
) -> Iterator[tuple[str, click.Command]]:
    """Every command without subcommands, with the words that call it."""
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from command_paths(child, f"{path} {name}")
    else:
        yield path, command


def test_readme_names_every_command() -> None:
    """The README mentions each command of the command line."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [path for path, _ in command_paths(cli) if path not in readme] == []


def shell_lines(page: Path) -> list[str]:
    """Every line of the shell blocks of a page."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_pages_parse(page: Path) -> None:
    """Each `hematon` command shown exists and takes the options it is shown with."""
    commands = dict(command_paths(cli))
    for line in shell_lines(page):
        for part in re.split(r"[|>&;]", line.partition("  #")[0]):
            words = shlex.split(part)
            if words[:1] != ["hematon"] or words[1:] == ["--version"]:
                continue
            length = 3 if words[1] == "knowledge" else 2
            path = " ".join(words[:length])
            assert path in commands, line
            command = commands[path]
            command.make_parser(click.Context(command)).parse_args(words[length:])


def test_make_targets_in_pages_exist() -> None:
    """Each `make` target a page names is in the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))
    }
    assert named <= targets


def test_readme_python_runs() -> None:
    """The five lines of the README run as they stand and print an assessment."""
    readme = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 1
    shown = subprocess.run(
        [sys.executable, "-c", blocks[0]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "Diamond-Blackfan" in shown.stdout
