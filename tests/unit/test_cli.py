"""The command line as its users meet it: what is printed, what is written, how it ends."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hematon.cli import cli
from hematon.knowledge import load_knowledge
from hematon.knowledge.without import resting_on

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "examples" / "demo_child.json")
TABLE = "id,date,dob,sex,HGB (g/dL),PLT (K/uL)\na,2024-01-10,2020-01-10,F,7.1,45\n"
BAD_UNIT = TABLE.replace("7.1", "71")


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(cli, arguments, input=stdin)


def packets(n: int) -> str:
    """N phenopackets, one a line."""
    return "\n".join(
        json.dumps(
            {
                "id": f"p{i}",
                "subject": {"id": f"s{i}", "sex": "MALE"},
                "phenotypicFeatures": [{"type": {"id": "HP:0001873", "label": "x"}}],
                "metaData": {},
            }
        )
        for i in range(n)
    )


def test_help_names_every_command() -> None:
    """Help lists the commands and the exit codes."""
    text = run("--help").output
    for command in ("assess", "explain", "convert", "knowledge", "completion", "Exit codes"):
        assert command in text


def test_help_imports_nothing_heavy() -> None:
    """Printing help loads no array library, no schema library, no YAML."""
    heavy = "{'numpy', 'pydantic', 'yaml', 'rich'}"
    code = f"import sys, hematon.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_report_in_the_terminal() -> None:
    """One record gives a report with its label and its leading condition."""
    result = run("assess", DEMO, "--no-color")
    assert result.exit_code == 0
    assert "For qualified clinicians." in result.output
    assert "Diamond-Blackfan" in result.output
    assert "\x1b[" not in result.output


def test_json_is_identical_from_run_to_run() -> None:
    """The same input and versions give the same bytes."""
    first, second = run("assess", DEMO, "--json"), run("assess", DEMO, "--json")
    assert first.exit_code == 0
    assert first.stdout_bytes == second.stdout_bytes
    parsed = json.loads(first.stdout)
    for name in (
        "id",
        "lineages",
        "severity",
        "urgency",
        "differential",
        "always_show",
        "next_tests",
        "issues",
        "versions",
    ):
        assert name in parsed
    assert parsed["urgency"]["level"] in ("E", "U24", "U72", "S2", "R", "none")
    assert parsed["differential"][0]["contributions"]


def test_html_and_fhir_files(tmp_path: Path) -> None:
    """Both files are written and said, and nothing else is printed."""
    page, resource = tmp_path / "r.html", tmp_path / "r.json"
    result = run("assess", DEMO, "--html", str(page), "--fhir", str(resource))
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "<svg" in page.read_text()
    assert "<script" not in page.read_text()
    assert json.loads(resource.read_text())["resourceType"] in ("DiagnosticReport", "Bundle")


def test_file_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    """A folder that does not exist is named."""
    result = run("assess", DEMO, "--html", str(tmp_path / "nowhere" / "r.html"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_explain_shows_every_contribution() -> None:
    """`explain` and `assess --explain` are the same."""
    one, other = run("explain", "dba", DEMO), run("assess", DEMO, "--explain", "dba")
    assert one.exit_code == 0
    assert one.output == other.output
    assert "Diamond-Blackfan" in one.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("assess", DEMO, "--setting", "hospital"), "no setting named"),
        (("assess", DEMO, "--explain", "fanconi"), "did you mean fanconi_anemia"),
        (("explain", "zzzzzzzz", DEMO), "no condition named"),
        (("assess", DEMO, "--as-of", "soon"), "does not match"),
        (("knowledge", "show", "fanconi"), "fanconi_anemia"),
        (("convert", DEMO, "--to", "xml"), "is not one of"),
    ],
)
def test_wrong_usage_names_the_fix(arguments: tuple[str, ...], said: str) -> None:
    """A wrong name ends with 2 and says what to write instead."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_as_of_limits_what_is_read() -> None:
    """At presentation the child is an emergency; later counts are not looked at."""
    result = run("assess", DEMO, "--as-of", "2009-09-01", "--json")
    parsed = json.loads(result.stdout)
    assert parsed["as_of"] == "2009-09-01"
    assert parsed["urgency"]["level"] == "E"


def test_many_records_stream_as_lines() -> None:
    """Several records give one JSON line each and a count that adds up."""
    text = packets(3) + "\nnot json\n"
    result = run("assess", "-", stdin=text)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["id"] for line in lines] == ["p0", "p1", "p2", None]
    assert "4 read = 3 assessed + 1 rejected" in result.stderr
    assert result.exit_code == 4


def test_a_long_stream_is_worked_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """More records than one chunk come out in order."""
    monkeypatch.setattr("hematon.cli.CHUNK", 4)
    result = run("assess", "-", stdin=packets(10))
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [
        f"p{i}" for i in range(10)
    ]
    assert result.exit_code == 0


def test_single_record_options_with_many_records(tmp_path: Path) -> None:
    """One HTML file cannot hold several children."""
    result = run("assess", "-", "--html", str(tmp_path / "x.html"), stdin=packets(2))
    assert result.exit_code == 2
    assert "single record" in result.stderr


def test_refused_value_is_asked_back_and_ends_with_4() -> None:
    """Hemoglobin 71 g/dL is a question with the likely unit; the rest is assessed."""
    result = run("assess", "-", "--json", stdin=BAD_UNIT)
    assert result.exit_code == 4
    issue = next(i for i in json.loads(result.stdout)["issues"] if i["code"] == "value-implausible")
    assert "g/L" in issue["fix"]
    assert "71" not in issue["message"] + issue["fix"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   ",
        b'{"resourceType": "Bundle", "entry": [',
        b"\xff\xfe\x00garbage",
        b"hello",
        b"{}",
        b"[]",
        b"%PDF-1.7",
        b'{"resourceType": "Bundle", "entry": [NaN]}',
    ],
)
def test_unreadable_input_ends_with_3_and_no_traceback(content: bytes) -> None:
    """Whatever is sent, the answer is an issue with a place."""
    result = run("assess", "-", stdin=content)
    assert result.exit_code == 3
    assert "error:" in result.stderr
    assert "Traceback" not in result.output + result.stderr


def test_file_that_does_not_exist() -> None:
    """A path that is not there is said by name."""
    result = run("assess", "no/such/file.json")
    assert result.exit_code == 3
    assert "file.json" in result.stderr


def test_nothing_in_a_folder(tmp_path: Path) -> None:
    """A folder without a document has nothing to assess."""
    result = run("assess", str(tmp_path))
    assert result.exit_code == 3


def test_folder_joins_resources_of_a_patient(tmp_path: Path) -> None:
    """A bulk export keeps resources in files of their own; other files are read beside them."""
    bundle = json.loads(Path(DEMO).read_text())
    for k, entry in enumerate(bundle["entry"]):
        text = json.dumps(entry["resource"])
        (tmp_path / f"{k}.json").write_text(text)
    (tmp_path / "more.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    (tmp_path / "broken.json.gz").write_bytes(b"\x1f\x8bnot gzip")
    (tmp_path / "broken.csv").write_text("nothing,here\n")
    (tmp_path / "scan.png").write_bytes(b"\x89PNG")
    result = run("assess", str(tmp_path))
    ids = [json.loads(line)["id"] for line in result.stdout.splitlines()]
    assert sorted(i for i in ids if i) == ["a", "demo-child"]
    assert ids.count(None) == 2


@pytest.mark.parametrize("target", ["fhir", "phenopacket", "csv"])
def test_convert_reads_back(target: str, tmp_path: Path) -> None:
    """What is written is read again as the same counts."""
    out = tmp_path / "converted"
    assert run("convert", DEMO, "--to", target, "-o", str(out)).exit_code == 0
    before = json.loads(run("assess", DEMO, "--json").stdout)
    after = json.loads(run("assess", str(out), "--json").stdout)
    pick = [
        [(i["analyte"], i["value"]) for i in a["inputs"] if i["where"] != "computed"]
        for a in (before, after)
    ]
    assert pick[0] == pick[1]


def test_convert_several_tables_has_one_heading() -> None:
    """Two children in one table share its heading."""
    two = TABLE + "b,2024-01-10,2020-01-10,F,8.1,55\n"
    text = run("convert", "-", "--to", "csv", stdin=two).stdout
    assert len(re.findall("^id,", text, re.MULTILINE)) == 1


def test_convert_unreadable() -> None:
    """Nothing to convert ends with 3."""
    assert run("convert", "-", "--to", "fhir", stdin="hello").exit_code == 3


def test_knowledge_commands(tmp_path: Path) -> None:
    """The knowledge checks itself, shows entries and sources, and compares folders."""
    assert "no problem found" in run("knowledge", "check").output
    assert "named source" in run("knowledge", "show", "fanconi_anemia").output.replace("_", " ")
    assert "DALLMAN1977" in run("knowledge", "sources").output
    assert "recalled" not in run("knowledge", "sources", "--status", "retrieved").output.split()[1]
    data = ROOT / "src" / "hematon" / "knowledge" / "data"
    assert "0 change(s)" in run("knowledge", "diff", str(data)).output
    (tmp_path / "sources.yaml").write_text("sources: [")
    assert run("knowledge", "check", "--folder", str(tmp_path)).exit_code == 5
    assert run("knowledge", "diff", str(tmp_path)).exit_code == 5


def test_broken_rule_in_knowledge_is_named(tmp_path: Path) -> None:
    """A folder that breaks a rule across files ends with 5 and says where."""
    import shutil

    data = ROOT / "src" / "hematon" / "knowledge" / "data"
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    path = copy / "conditions" / "dba.yaml"
    path.write_text(path.read_text().replace('source: ["HPOA"]', 'source: ["NOWHERE"]', 1))
    result = run("knowledge", "check", "--folder", str(copy))
    assert result.exit_code == 5
    assert "dba.yaml" in result.stderr
    changed = run("knowledge", "diff", str(data), str(copy))
    assert "1 change(s)" in changed.output
    assert "1  conditions/dba.yaml" in changed.output


def test_completion() -> None:
    """Each shell gets a script."""
    for shell in ("bash", "zsh", "fish"):
        assert "_HEMATON_COMPLETE" in run("completion", shell).output


def program(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as its own process."""
    command = [sys.executable, "-c", "from hematon.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def test_program_ends_with_its_code_and_all_its_output() -> None:
    """Leaving early loses no output and no exit code."""
    done = program("assess", DEMO, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["id"] == "demo-child"
    assert program("assess", "no/such/file.json").returncode == 3
    assert program("assess").returncode == 2


def test_program_ends_quietly_on_a_closed_pipe() -> None:
    """`hematon ... | head` leaves no traceback."""
    command = f"{sys.executable} -c 'from hematon.cli import main; main()' assess {DEMO} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("Assessment")


# --- evaluate ----------------------------------------------------------------------------------


def case_set(folder: Path, *diseases: str) -> Path:
    """Write a case set: a packet for each disease, each of a publication of its own."""
    lines = []
    for i, (line, disease) in enumerate(
        zip(packets(len(diseases)).splitlines(), diseases, strict=True)
    ):
        packet = json.loads(line)
        packet["diseases"] = [{"term": {"id": disease, "label": "d"}}]
        packet["metaData"] = {"externalReferences": [{"id": f"PMID:{i}"}]}
        lines.append(json.dumps(packet))
    file = folder / "cases.jsonl"
    file.write_text("\n".join(lines), "utf-8")
    return file


def test_evaluate_writes_page_plot_figures_and_tallies(tmp_path: Path) -> None:
    """Everything that was asked for, said on standard error, and nothing printed."""
    cases = case_set(tmp_path, "HEMATON:itp", "HEMATON:tar")
    page, figures, tallies = (str(tmp_path / n) for n in ("page.md", "f.json", "t.json"))
    result = run("evaluate", str(cases), "--page", page, "--figures", figures, "--tested", tallies)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "(page-reliability.svg)" in Path(page).read_text()
    assert (tmp_path / "page-reliability.svg").read_text().startswith("<svg")
    written = json.loads(Path(figures).read_text())
    assert written["case_sets"][0]["scored"] == 2
    assert json.loads(Path(tallies).read_text()) == written["tested"]


def test_evaluate_prints_the_page_or_json(tmp_path: Path) -> None:
    """Without a file to write, the page; with --json, the figures and nothing else."""
    cases = str(case_set(tmp_path, "HEMATON:itp", "HEMATON:tar"))
    assert run("evaluate", cases).stdout.startswith("# Evaluation")
    first = run("evaluate", cases, "--json")
    assert json.loads(first.stdout)["setting"] == "referral"
    assert first.stdout_bytes == run("evaluate", cases, "--json").stdout_bytes
    kept = run("evaluate", cases, "--json", "--keep-own-sources", "--setting", "population")
    assert json.loads(kept.stdout)["own_sources_left_out"] is False
    assert json.loads(kept.stdout)["setting"] == "population"


def test_evaluate_says_what_could_not_be_read(tmp_path: Path) -> None:
    """Part refused ends with 4, and is counted on the page."""
    cases = case_set(tmp_path, "HEMATON:itp")
    cases.write_text(cases.read_text() + '\n{"diseases": 3}', "utf-8")
    result = run("evaluate", str(cases))
    assert result.exit_code == 4
    assert "| cases.jsonl | 1 | 1 | 0 | 1 | none |" in result.stdout


def test_evaluate_without_cases_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default place, an empty folder, no baselines, and a setting that is not."""
    monkeypatch.setenv("HEMATON_SHARED", str(tmp_path / "nowhere"))
    result = run("evaluate")
    assert result.exit_code == 3
    assert "cases: there is nothing at this place" in result.stderr
    (tmp_path / "empty").mkdir()
    result = run("evaluate", str(tmp_path / "empty"))
    assert result.exit_code == 3
    assert "no case could be scored" in result.stderr
    cases = case_set(tmp_path, "HEMATON:itp")
    result = run("evaluate", str(cases), "--baselines", str(cases))
    assert result.exit_code == 3
    assert "tools/rank_baselines.py" in result.stderr
    assert run("evaluate", str(cases), "--setting", "hospital").exit_code == 2


def test_assess_leaves_out_own_sources(tmp_path: Path) -> None:
    """What is left out is said; one record and many are judged alike."""
    loaded = load_knowledge()
    source, publication = next(
        (s, f"PMID:{info['pmid']}")
        for s, info in loaded.sources.items()
        if "pmid" in info and resting_on(loaded, [f"PMID:{info['pmid']}"])
    )
    packet = json.loads(packets(1))
    packet["metaData"] = {"externalReferences": [{"id": publication}]}
    one, many = tmp_path / "one.json", tmp_path / "many.ndjson"
    one.write_text(json.dumps(packet), "utf-8")
    many.write_text(f"{json.dumps(packet)}\n{packets(1)}", "utf-8")
    single = run("assess", str(one), "--json", "--leave-out-own-sources")
    assert f"own publications: {source}" in single.stderr
    fingerprint = json.loads(single.stdout)["versions"]["fingerprint"]
    assert fingerprint != loaded.fingerprint
    lines = run("assess", str(many), "--leave-out-own-sources").stdout.splitlines()
    assert [json.loads(line)["versions"]["fingerprint"] for line in lines] == [
        fingerprint,
        loaded.fingerprint,
    ]
    assert json.loads(lines[0])["differential"] == json.loads(single.stdout)["differential"]
    plain = run("assess", DEMO, "--json", "--leave-out-own-sources")
    assert "nothing; no evidence rests on them alone" in plain.stderr
