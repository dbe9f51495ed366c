"""Loading: from the compiled form when it is current, from the files when not, never wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hematon.errors import KnowledgeError
from hematon.knowledge import Knowledge, load_knowledge
from hematon.knowledge import load as load_module
from hematon.knowledge.load import DATA, fingerprint_of


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Let each test load anew, and leave no spoilt copy to the tests after it."""
    load_knowledge.cache_clear()
    yield
    load_knowledge.cache_clear()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for compiled knowledge."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HEMATON_CACHE_DIR", str(folder))
    return folder


def test_fingerprint_changes_with_a_byte(data_folder: Path) -> None:
    """One changed character is another edition."""
    before = fingerprint_of(data_folder)
    path = data_folder / "conditions" / "dba.yaml"
    path.write_bytes(path.read_bytes() + b"#")
    assert fingerprint_of(data_folder) != before


def test_fingerprint_changes_with_a_name(data_folder: Path) -> None:
    """The same text under another name is another edition."""
    before = fingerprint_of(data_folder)
    (data_folder / "severity" / "rcc_2003.yaml").rename(data_folder / "severity" / "rcc_2004.yaml")
    assert fingerprint_of(data_folder) != before


def test_fingerprint_is_that_of_any_copy(data_folder: Path) -> None:
    """Where the files lie does not matter."""
    assert fingerprint_of(data_folder) == fingerprint_of(DATA)


def test_compiled_form_is_written_to_the_folder_of_the_environment(cache: Path) -> None:
    """HEMATON_CACHE_DIR says where; nothing half-written stays behind."""
    loaded = load_knowledge()
    (written,) = cache.iterdir()
    assert written.suffix == ".json"
    assert written.name.startswith(loaded.fingerprint[:20])


def test_second_start_reads_the_compiled_form(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current compiled form is used without a look at the YAML."""
    first = load_knowledge()
    load_knowledge.cache_clear()
    monkeypatch.setattr("hematon.knowledge.files.read_files", _refuse)
    assert _same(load_knowledge(), first)


def test_same_process_loads_once(cache: Path) -> None:
    """Knowledge is shared, not loaded again."""
    assert load_knowledge() is load_knowledge()


def test_changed_file_is_compiled_again(cache: Path, data_folder: Path) -> None:
    """The YAML is what counts."""
    before = load_knowledge(data_folder)
    load_knowledge.cache_clear()
    path = data_folder / "conditions" / "dba.yaml"
    text = path.read_text("utf-8")
    assert "prior: {value: 0.38" in text
    path.write_text(text.replace("prior: {value: 0.38", "prior: {value: 0.4"), "utf-8")
    after = load_knowledge(data_folder)
    assert len(list(cache.iterdir())) == 2
    assert (_prior(before), _prior(after)) == (0.38, 0.4)


def test_changed_compiler_does_not_read_what_an_older_one_wrote(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compiled form is bound to the code that made it."""
    load_knowledge()
    load_knowledge.cache_clear()
    monkeypatch.setattr(load_module, "CODE", ("compile.py",))
    load_knowledge()
    assert len(list(cache.iterdir())) == 2


def test_damaged_compiled_form_is_written_again(cache: Path) -> None:
    """A file cut short is no reason to fail, nor to run on half of it."""
    first = load_knowledge()
    (written,) = cache.iterdir()
    whole = written.read_bytes()
    written.write_bytes(whole[:1000])
    load_knowledge.cache_clear()
    assert _same(load_knowledge(), first)
    assert written.read_bytes() == whole


def test_unwritable_cache_does_not_stop_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only installation works, only slower."""
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be", "utf-8")
    monkeypatch.setenv("HEMATON_CACHE_DIR", str(blocked / "cache"))
    assert load_knowledge().condition_ids


def test_broken_rule_stops_the_start(cache: Path, data_folder: Path) -> None:
    """Knowledge that breaks a rule is never assessed with, and never cached."""
    path = data_folder / "hazards.yaml"
    path.write_text(path.read_text("utf-8").replace("test: deb_mmc", "test: deb"), "utf-8")
    with pytest.raises(KnowledgeError, match=r"1 broken rule.*hazards\.yaml#/hazards/0/test") as e:
        load_knowledge(data_folder)
    assert [issue.code for issue in e.value.issues] == ["test-unknown"]
    assert not cache.exists()


def test_version_is_the_latest_review(cache: Path) -> None:
    """Knowledge is versioned by date."""
    loaded = load_knowledge()
    reviewed = [
        line.removeprefix("reviewed: ").strip()
        for path in (DATA / "conditions").glob("*.yaml")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("reviewed: ")
    ]
    assert loaded.version == max(reviewed)


def _refuse(*_: object) -> None:
    raise AssertionError("the files were read")


def _same(one: Knowledge, other: Knowledge) -> bool:
    return one.raw == other.raw and one.fingerprint == other.fingerprint


def _prior(knowledge: Knowledge) -> float:
    (prior,) = [c.prior for c in knowledge.conditions if c.id == "dba"]
    return prior
