"""Each gate lets a good page through and stops the page that breaks its rule."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hematon.portal.learn import gates, messages, score_sheet
from hematon.portal.learn.pages import Card, Page, PageFacts
from hematon.portal.learn.problems import maker
from hematon.portal.learn.wording import measured, words_said

TODAY = date(2026, 11, 23)
FACTS: dict[str, Any] = {
    "title": "Low counts",
    "lead": "The blood has too few cells. Doctors can find out why.",
    "group": "basics",
    "order": 10,
    "written": TODAY,
    "reviewed": None,
    "reviewer": None,
    "next_review": date(2027, 5, 23),
}
GOOD = {
    "en": """## What it is

The [bone marrow](term:bone_marrow) makes too few cells. It is nobody's fault.

Low platelets (thrombocytopenia) can cause bruises. About 1 in 7 children bruise [@FARF2020].

## What to do

{{care:now}}

{{care:today}}
""",
    "es": """## Qué es

La [médula ósea](term:bone_marrow) fabrica muy pocas células. No es culpa de nadie.

Las plaquetas bajas (trombocitopenia) dan moretones. Cerca de 1 de cada 7 los tiene [@FARF2020].

## Qué hacer

{{care:now}}

{{care:today}}
""",
}
LONG = "the blood of a child can show many things to a doctor who looks at it with care and time "


def page(text: str = "", language: str = "en", *, slug: str = "low-counts", **facts: Any) -> Page:
    """Make a page; the good one when no text is given."""
    lead = {"lead": "La sangre tiene muy pocas células."} if language == "es" else {}
    made = PageFacts.model_validate({**FACTS, **lead, **facts})
    return Page(slug, language, made, text or GOOD[language])


def said(of: Page) -> list[str]:
    """Give what the gates say about a page."""
    return [problem.text for problem in gates.of_page(of, TODAY)]


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_good_page_passes(language: str) -> None:
    """No gate stops it, so that the failures below are the broken rule's."""
    assert said(page(language=language)) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Your child has a low count.", "says 'your child has'"),
        ("There is a good chance of that.", "says 'good chance'"),
        ("About 14 in 100 children bruise.", "a figure without a source"),
        ("It starts at 7 years.", "a figure without a source"),
        ("It takes 3 weeks.", "a figure without a source"),
        ("About 14% of children bruise [@FARF2020].", "a percentage"),
        ("It hurts [@NOSUCH2020].", "the source NOSUCH2020 is not known"),
        ("Some have neutropenia.", "'neutropenia' stands before it is explained"),
        ("Some have low neutrophils.", "'neutrophils' stands before it is explained"),
        ("[It](term:no_such_word) hurts.", "there is no term no_such_word"),
        ("See [more](page:no-such-page).", "there is no page no-such-page"),
        ("![](figure:no_such_picture)", "there is no figure no_such_picture"),
        ("See [more](http://example.org/).", "there is no http"),
        ("{{care:no_such_card}}", "there is no care card no_such_card"),
        ("A <b>bold</b> word.", "HTML is shown as text"),
        (f"{LONG}{LONG}.", "a sentence of more than 30 words"),
        ("One. Two. Three. Four.", "a paragraph of more than 3 sentences"),
        ("# A title", "the only heading of level 1"),
        ("#### Too deep", "a heading of level 4 under level 2"),
        ("## What it is", "a second heading 'what it is'"),
        ("{{numbers:open}}", "needs a {{numbers:close}}"),
    ],
)
def test_a_broken_line_is_named_with_its_place(line: str, problem: str) -> None:
    """The problem says what is wrong, at the line it was put in."""
    rows = GOOD["en"].splitlines()
    made = page("\n".join([*rows[:6], line, "", *rows[6:]]))
    found = [p for p in gates.of_page(made, TODAY) if problem in p.text]
    assert found, said(made)
    assert problem.startswith("needs a") or found[0].line == 7 or "second heading" in problem


@pytest.mark.parametrize(
    "line",
    [
        "There are 3 kinds of blood cells.",
        "Call 911.",
        "The gene RUNX1 and vitamin B12.",
        "Some have [low counts](term:neutropenia), and neutropenia can pass.",
        "All 3 blood counts low (pancytopenia). That can pass.",
        "Read about [aplastic anemia](page:low-counts).",
        "Anemia, platelets and a transplant are everyday words here.",
        "In small letters mds is no word of ours.",
    ],
)
def test_a_sound_line_is_not_stopped(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small counts, genes, abbreviations, words explained or common: no false alarm."""
    monkeypatch.setattr(gates, "pages", lambda: {("en", "low-counts"): page()})
    assert said(page(f"{GOOD['en']}\n{line}\n")) == []


def test_numbers_of_a_table_are_cited_once() -> None:
    """A citation anywhere in the table covers its rows; without one each row is named."""
    table = "| Age | Count |\n|---|---|\n| 1 year | 250 {} |\n| 5 years | 300 |\n"
    assert said(page(GOOD["en"] + "\n" + table.format("[@FARF2020]"))) == []
    bare = said(page(GOOD["en"] + "\n" + table.format("")))
    assert sum("without a source" in text for text in bare) == 2


def test_a_long_word_hides_the_short_one_in_it() -> None:
    """`aplastic anemia` is one word, and not anemia; capitals tell abbreviations apart."""
    found = [(w.key, w.text) for w in words_said("Aplastic anemia, MDS and mds.", "en")]
    assert found == [("aplastic_anemia", "Aplastic anemia"), ("mds", "MDS")]


def test_a_page_without_its_cards_is_stopped() -> None:
    """Every page about a condition says when to call now and when today; site pages need not."""
    bare = GOOD["en"].replace("{{care:now}}", "").replace("{{care:today}}", "")
    found = said(page(bare))
    assert any("level emergency" in text for text in found)
    assert any("level urgent" in text for text in found)
    assert said(page(bare, group="site")) == []


def test_hard_text_is_stopped_in_both_languages() -> None:
    """Long words raise the grade; the same rule holds with INFLESZ."""
    hard = "Hematopoietic insufficiency necessitates multidisciplinary consideration immediately."
    assert any("reading grade" in t for t in said(page(f"{GOOD['en']}\n{hard * 3}\n")))
    duro = "Insuficiencia hematopoyética necesitando consideraciones multidisciplinarias."
    assert any("INFLESZ" in t for t in said(page(f"{GOOD['es']}\n{duro} {duro} {duro}\n", "es")))


def test_many_middling_sentences_are_stopped() -> None:
    """More than 1 in 20 sentences over 20 words is too many, even when none has 30."""
    middling = f"\n\n{LONG}and asks.".capitalize()
    assert any("of sentences have at most 20" in t for t in said(page(GOOD["en"] + middling)))


def test_headings_do_not_make_a_page_look_easy() -> None:
    """Their few words are no sentences."""
    assert measured(page("## A\n\n## B\n\nThe child is well.")).sentences == (6, 5, 4)


def test_spanish_says_usted() -> None:
    """A page that says tú is stopped."""
    assert "says 'puedes'" in said(page(f"{GOOD['es']}\nAquí puedes leer.\n", "es"))


def test_a_page_past_its_review_is_stopped() -> None:
    """On the day itself it still stands; the day after it does not."""
    due = page(next_review=date(2026, 11, 24))
    assert list(gates.of_page(due, date(2026, 11, 24))) == []
    late = [p.text for p in gates.of_page(due, date(2026, 11, 25))]
    assert any(text.startswith("past its next review") for text in late)


def test_a_condition_must_be_in_the_knowledge() -> None:
    """A misspelt entry is named."""
    assert said(page(condition="fanconi_anemia")) == []
    assert "there is no condition fanconi in the knowledge" in said(page(condition="fanconi"))


def test_title_and_lead_hold_no_figure_and_no_verdict() -> None:
    """They cannot carry a source."""
    assert any("a figure in the lead" in t for t in said(page(lead="It starts at 7 years.")))
    assert any("the title says" in t for t in said(page(title="What your child has now")))


@pytest.mark.parametrize(
    ("spanish", "problem"),
    [
        (None, "the page lacks this language"),
        ({"order": 20}, "order differs"),
        ({"text": GOOD["es"].replace("{{care:today}}", "")}, "the care cards differ"),
        ({"text": GOOD["es"].replace("[@FARF2020]", "[@DBA_GR]")}, "the sources differ"),
        ({"text": GOOD["es"].replace("## Qué hacer", "### Qué hacer")}, "the headings differ"),
        ({"text": GOOD["es"] + "\n![](figure:marrow)\n"}, "the pictures differ"),
    ],
)
def test_a_pair_that_differs_is_stopped(
    spanish: dict[str, Any] | None, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cards, pictures, sources, headings and dates are the same in both languages."""
    pair = {("en", "low-counts"): page()}
    monkeypatch.setattr(gates, "pages", lambda: pair)
    if spanish is not None:
        pair["es", "low-counts"] = page(language="es")
        assert list(gates.of_pair("low-counts")) == []
        text = spanish.pop("text", "")
        pair["es", "low-counts"] = page(text, "es", **spanish)
    found = [p.text for p in gates.of_pair("low-counts")]
    assert any(problem in text for text in found), found


def test_a_card_is_signed_by_someone_on_a_day() -> None:
    """A name without a date, or a date without a name, is refused."""
    text = {"en": "a", "es": "b"}
    base = {"level": "urgent", "heading": text, "when": [text]}
    Card.model_validate({**base, "signed_by": None, "signed_on": None})
    with pytest.raises(ValidationError, match="together"):
        Card.model_validate({**base, "signed_by": "Clinician", "signed_on": None})


def test_the_command_counts_problems(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints each page's reading and ends with 0 when every gate holds, 1 otherwise."""
    ended = gates.main()
    out = capsys.readouterr().out
    assert "en/about-this-site:" in out
    assert ended == (0 if out.endswith("Every gate holds.\n") else 1)


# --- the score sheet ------------------------------------------------------------------------------


def scored(of: Page) -> list[str]:
    """Give what the score sheet says about a page."""
    return [problem.text for problem in score_sheet.of_page(of, maker("page"))]


def test_the_sheet_has_the_20_items_of_the_index() -> None:
    """11 for every page, 9 that may not apply."""
    items = score_sheet.sheet().items.values()
    assert len(items) == 20
    assert sum(item.part == "A" for item in items) == 11


def test_a_sheet_cannot_claim_what_the_page_lacks() -> None:
    """Picture, list and headings are read from the text."""
    text = GOOD["en"] + "\n![](figure:marrow)\n\n- one\n- two\n"
    assert score_sheet.answers(page(text))["visual"] == "met"
    assert score_sheet.answers(page())["visual"] == "missed"
    assert score_sheet.answers(page())["lists"] == "missed"
    assert score_sheet.score(page(text)) > score_sheet.score(page())


def test_a_page_below_90_is_stopped() -> None:
    """The items it lost are named."""
    bare = page("Some words alone. 1 in 7 of them [@FARF2020].")
    assert any("at least 90" in text and "chunks" in text for text in scored(bare))


def test_a_sheet_older_than_the_text_is_stopped() -> None:
    """A page checked anew is scored anew."""
    later = page(written=date(2026, 12, 1), next_review=date(2027, 6, 1))
    assert any("score it again" in text for text in scored(later))


def test_an_incomplete_sheet_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item nobody answered is named, and never counted as met."""
    whole = score_sheet.sheet()
    basics = whole.groups["basics"]
    left = {k: v for k, v in basics.answers.items() if k != "active_voice"}
    group = basics.model_copy(update={"answers": left})
    part = whole.model_copy(update={"groups": {"basics": group}})
    monkeypatch.setattr(score_sheet, "sheet", lambda: part)
    assert scored(page()) == ["score sheet incomplete: active_voice"]
    monkeypatch.setattr(
        score_sheet, "sheet", lambda: whole.model_copy(update={"groups": {}, "pages": {}})
    )
    assert any("no score sheet" in text for text in scored(page()))


def test_a_page_nobody_read_is_told_apart() -> None:
    """A group's answers stand for it, and the editors see that."""
    assert score_sheet.was_read(page(slug="about-this-site", group="site"))
    assert not score_sheet.was_read(page())


def test_answers_that_the_text_decides_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As are unknown items, and items of part A that are said not to apply."""
    whole = score_sheet.sheet()
    wrong = whole.groups["site"].model_copy(
        update={"answers": {"visual": "met", "beauty": "met", "active_voice": "not_applicable"}}
    )
    monkeypatch.setattr(
        score_sheet, "sheet", lambda: whole.model_copy(update={"groups": {"site": wrong}})
    )
    found = " ".join(problem.text for problem in score_sheet.problems())
    for expected in ("decided by the text", "no item beauty", "applies to every page"):
        assert expected in found


# --- templates and translations -------------------------------------------------------------------


def test_every_template_and_translation_keeps_the_rules() -> None:
    """Over all apps of the portal."""
    assert [str(problem) for problem in messages.problems()] == []


def broken_po(folder: Path, english: str, spanish: str) -> list[str]:
    """Give what is said of one message."""
    file = folder / "care" / messages.PO
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'msgid ""\nmsgstr ""\n"Language: es\\n"\n\nmsgid "{english}"\nmsgstr "{spanish}"\n',
        encoding="utf-8",
    )
    return [str(problem) for problem in messages.problems(folder)]


def test_a_message_that_breaks_a_rule_is_named(tmp_path: Path) -> None:
    """In either language, with its file and line; a good one passes."""
    assert broken_po(tmp_path, "Call us.", "Llámenos.") == []
    assert broken_po(tmp_path, "Rest assured.", "Llámenos.") == [
        f"care/{messages.PO}:5: says 'rest assured'"
    ]
    assert broken_po(tmp_path, "Call us.", "Puedes llamar.") == [
        f"care/{messages.PO}:6: says 'puedes'"
    ]
    assert "a percentage" in broken_po(tmp_path, "At 400%% zoom.", "Bien.")[0]
    assert "more than 30 words" in broken_po(tmp_path, f"{LONG}{LONG}.", "Bien.")[0]
    assert "only 0% of sentences (en)" in broken_po(tmp_path, f"{LONG}and asks.", "Bien.")[0]


def test_a_text_left_out_of_the_translation_is_named(tmp_path: Path) -> None:
    """A template is translated as a whole, alternative texts included, or not at all."""
    file = tmp_path / "care" / "templates" / "care" / "page.html"
    file.parent.mkdir(parents=True)
    good = '{% translate "Call us" %}<p class="hm-x">{{ name }}</p><img alt="{% translate "x" %}">'
    file.write_text(good, encoding="utf-8")
    assert list(messages.problems(tmp_path)) == []
    for bare in ("<p>Call us</p>", '<input placeholder="Call us">', '<a aria-label="Call us"></a>'):
        file.write_text(f"{good}\n{bare}", encoding="utf-8")
        found = [str(problem) for problem in messages.problems(tmp_path)]
        assert found == ["care/templates/care/page.html:2: not translated: 'Call us'"]
    file.write_text("<p>For staff, in English alone</p>", encoding="utf-8")
    assert list(messages.problems(tmp_path)) == []
