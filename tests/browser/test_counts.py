"""J1: a parent with a printout and a phone, from the stop screen to the page to take along."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw

from hematon.portal.counts.models import CountsPicture

Visit = Callable[..., Any]
pytestmark = pytest.mark.django_db(transaction=True)


def press(page: Any, button: str = "main form button[type=submit]") -> None:
    """Press a button and wait for the page it leads to."""
    with page.expect_navigation():
        page.locator(button).first.click()


def photo() -> dict[str, Any]:
    """A photo of a printout."""
    image = Image.new("RGB", (900, 1200), "white")
    ImageDraw.Draw(image).text((60, 80), "HGB 95 g/L 115-145 L", fill="black", font_size=40)
    out = io.BytesIO()
    image.save(out, "JPEG")
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_parent_with_a_printout(visit: Visit, language: str, script: bool) -> None:
    """Photo, boxes, a slip asked about, explanation, questions, one page; also without script."""
    visitor = visit(320, language, script=script)
    first = f"/{language}/blood-counts/"
    page = visitor.open(first)
    found = []

    def whole() -> None:
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
        if script:
            nodes = [
                node["html"]
                for violation in Axe().run(page).response["violations"]
                for node in violation["nodes"]
            ]
            found.extend((page.url, node) for node in nodes)

    whole()
    page.check("input[name=now][value=no]")
    press(page)
    whole()
    with page.expect_navigation():
        page.click(f"a[href='{first}upload/']")
    page.set_input_files("input[type=file]", files=[photo()])
    press(page)
    whole()
    assert page.locator(".hm-counts-pictures img").evaluate("image => image.naturalWidth") == 900
    page.fill("#id_date", "2026-03-14")
    page.fill("#id_hemoglobin_value", "95")
    page.select_option("#id_hemoglobin_unit", "g/dL")
    page.fill("#id_hemoglobin_low", "115")
    page.fill("#id_hemoglobin_high", "145")
    page.select_option("#id_hemoglobin_flag", "L")
    press(page, "button[name=wish]")
    assert page.locator("#error-summary a").count() == 5
    whole()
    for line in ("mcv", "wbc", "neutrophils", "platelets", "reticulocytes"):
        page.check(f"#id_{line}_absent")
    press(page, "button[name=wish]")
    assert "g/L?" in page.inner_text("legend")
    whole()
    page.check("input[name=hemoglobin][value='0']")
    press(page)
    assert page.url.endswith("/explained/")
    assert "95 g/L" in page.inner_text("main")
    assert page.locator("svg.hm-counts-bar").count() == 1
    whole()
    with page.expect_navigation():
        page.click(f"a[href='{first}questions/']")
    page.check("#id_chosen_0")
    whole()
    press(page)
    assert page.locator(".hm-counts-asked li").count() == 1
    assert page.locator("[data-print]").is_visible() == script
    whole()
    press(page, "main form[action$='/send/'] button")
    assert "/get-care/" in page.url
    assert found == []
    assert CountsPicture.objects.count() == 1
