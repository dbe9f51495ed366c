"""Files are sent and removed in a real browser, with script and without, by keyboard, at 320 px."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from hematon.portal.files import access, scanning
from hematon.portal.files.scanning import Verdict, Word
from hostile_files import CSV, EICAR, picture
from upload_page import HOLDER, PAGE

Visit = Callable[..., Any]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("upload_page")]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents of each test's own, and a scanner that knows one virus."""
    settings.MEDIA_ROOT = tmp_path / "files"

    def scan(content: bytes, **_: float) -> Verdict:
        found = EICAR in content
        return Verdict(Word.INFECTED, "virus") if found else Verdict(Word.CLEAN)

    monkeypatch.setattr(scanning, "scan", scan)


@pytest.mark.parametrize(("width", "script"), [(1280, True), (320, False)])
def test_sending_and_removing(width: int, script: bool, visit: Visit, tmp_path: Path) -> None:
    """J2, step 7: two good files and a virus; the virus is named, the good ones are ready."""
    for name, content in (
        ("a.csv", CSV),
        ("b.jpg", picture("JPEG")),
        ("a long name " * 9 + ".csv", EICAR),
    ):
        (tmp_path / name).write_bytes(content)
    page = visit(width, script=script).open(PAGE)
    page.set_input_files("#id_file", sorted(p for p in tmp_path.iterdir() if p.is_file()))
    with page.expect_navigation():
        page.get_by_role("button", name="Upload").press("Enter")
    assert "contains a virus" in page.locator("#error-summary").inner_text()
    assert page.title().startswith("Error: ")
    assert page.get_by_text("Ready", exact=True).count() == 2
    if script:
        assert page.evaluate("document.activeElement.id") == "error-summary"
        bad = Axe().run(page).response["violations"]
        assert not [v["id"] for v in bad if v["impact"] in ("serious", "critical")]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for target in page.locator("main button, main input[type=file]").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["x"] + box["width"] <= width
    with page.expect_navigation():
        page.get_by_role("button", name="Remove a.csv").click()
    assert {stored.name for stored in access.files_of(HOLDER) if stored.state == "clean"} == {
        "b.jpg"
    }


def test_a_second_press_sends_nothing_twice(visit: Visit, tmp_path: Path) -> None:
    """The page says that files are on their way, and lets no second form out."""
    (tmp_path / "a.csv").write_bytes(CSV)
    page = visit().open(PAGE)
    page.set_input_files("#id_file", tmp_path / "a.csv")
    page.evaluate(
        """() => { window.left = 0;
        document.querySelector("main form").addEventListener("submit", (event) => {
            if (!event.defaultPrevented) window.left += 1; event.preventDefault(); }); }"""
    )
    for _ in range(2):
        page.get_by_role("button", name="Upload").click()
    assert page.evaluate("window.left") == 1
    assert page.locator(".hm-upload [role=status]").inner_text() == (
        "Sending your files. Please wait."
    )
