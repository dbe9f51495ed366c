"""The HTML report is complete, safe with hostile records, accessible and self-contained."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise
from typing import Any

import pytest

from hematon.engine import assess
from hematon.engine.assessment import Assessment
from hematon.engine.case import Case, Finding
from hematon.knowledge import Knowledge
from hematon.report import charts, evidence, html, over_time, wording
from hematon.report.html_parts import linked
from unit.report import sample

HOSTILE = "<script>alert(1)</script>\"'&]]>\x00\x1b[31m\u202e"
SAMPLES = [sample.full(), sample.sparse(), sample.emergency()]
KINDS = frozenset(
    (
        "status",
        "level",
        "answer",
        "band",
        "mechanism",
        "analyte",
        "comparator",
        "result",
        "unit",
        "kind",
    )
)


class Page(HTMLParser):
    """What a browser would see: elements with attributes, text, and whether all is closed."""

    VOID = frozenset(("meta", "br", "line", "circle", "rect", "polygon", "path"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and that it is open."""
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Check that what is closed was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Give the attributes of every such element."""
        return [attributes for name, attributes in self.elements if name == tag]


def page(assessment: Assessment, knowledge: Knowledge) -> Page:
    """Render and read back."""
    return Page(html.render(assessment, knowledge))


def hostile(value: Any, name: str = "") -> Any:
    """Put markup and escape sequences into every text that is not one of a fixed few."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            f.name: hostile(getattr(value, f.name), f.name) for f in dataclasses.fields(value)
        }
        return replace(value, **fields)
    if isinstance(value, tuple):
        return tuple(hostile(item, name) for item in value)
    if isinstance(value, dict):
        return {k + HOSTILE: hostile(v) if isinstance(v, str) else v for k, v in value.items()}
    if isinstance(value, str) and name not in KINDS:
        return value + HOSTILE
    return value


@pytest.mark.parametrize("assessment", SAMPLES)
def test_order_of_the_sections(assessment: Assessment, knowledge: Knowledge) -> None:
    """Urgent first, sources last, whatever the record holds."""
    found = [a["id"] for a in page(assessment, knowledge).all("section")]
    # Time has a section, and a place in the contents, only where there is something to tell of it.
    time = ["time"] if over_time.is_told(assessment) else []
    assert found == [
        *("urgency", "lineages", *time, "severity", "differential", "always", "tests", "hazards"),
        *("missing", "inputs", "limits"),
    ]
    contents = [a["href"] for a in page(assessment, knowledge).all("a") if "href" in a]
    assert [href for href in contents if href[1:] in found] == [f"#{name}" for name in found]


def test_what_must_be_on_screen(knowledge: Knowledge) -> None:
    """The checklist of the intended-use analysis, item by item."""
    full = sample.full()
    seen = " ".join("".join(page(full, knowledge).text).split())
    for text in (
        full.label,
        "Within 24 hours",
        wording.could_be_higher(full.urgency),
        "Cannot be graded",
        evidence.RANKING_RULE,
        evidence.how_ranking_works(full),
        evidence.LEGEND,
        "LR 19, strong",
        "● counted 25/28",
        ["4", "Something else (none of these)"][1],
        "Starting point",
        "Must not be missed, whatever the ranking",
        "Draw before transfusion",
        "Settled by: Chromosome breakage",
        "Time to act could become an emergency (E7)",
        "unit-unknown",
        "WBC × (segs + bands) %",
        *full.limits,
        full.versions.fingerprint,
        full.input_hash,
        *sample.CITATIONS.values(),
    ):
        assert text in seen, text


@pytest.mark.parametrize("assessment", SAMPLES)
def test_every_dated_count_is_drawn_once(assessment: Assessment, knowledge: Knowledge) -> None:
    """Each chart stands in the page, the three lineages' beside their values."""
    drawn = [a["aria-labelledby"] for a in page(assessment, knowledge).all("svg") if "role" in a]
    wanted = charts.charted(assessment, knowledge)
    assert sorted(drawn) == sorted(f"chart-{a}-title chart-{a}-description" for a in wanted)


def test_probabilities_stand_only_under_their_own_heading(knowledge: Knowledge) -> None:
    """A share of the ranking is not shown as this child's risk."""
    text = html.render(sample.full(), knowledge)
    before, _, numbers = text.partition('<details class="numbers">')
    assert "71 %" in numbers
    assert "71 %" not in before
    assert "71 %" not in numbers.partition("</details>")[2]


@pytest.mark.parametrize("assessment", SAMPLES)
def test_hostile_records_stay_text(assessment: Assessment, knowledge: Knowledge) -> None:
    """No text of a record becomes an element, an attribute or a control character."""
    attacked = hostile(assessment)
    text = html.render(attacked, knowledge)
    found = Page(text)
    assert not found.open
    assert not found.all("script")
    names = {name for _, attributes in found.elements for name in attributes}
    assert not {n for n in names if n.startswith("on")}
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\u202e" not in text
    assert "<script>alert(1)</script>" in "".join(found.text)


@pytest.mark.parametrize("assessment", SAMPLES)
def test_nothing_is_fetched_and_nothing_runs(assessment: Assessment, knowledge: Knowledge) -> None:
    """One file: no script, no link to a style, image or font, and a policy that says so."""
    found = page(assessment, knowledge)
    assert not {"script", "link", "img", "iframe", "object"} & {t for t, _ in found.elements}
    for _, attributes in found.elements:
        assert "src" not in attributes
        assert "style" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    css = resources.files("hematon.report").joinpath("style.css").read_text("utf-8")
    assert "url(" not in css
    assert "@import" not in css
    policy = next(a for a in found.all("meta") if "http-equiv" in a)
    assert (policy["content"] or "").startswith("default-src 'none'")


@pytest.mark.parametrize("assessment", SAMPLES)
def test_structure_can_be_heard(assessment: Assessment, knowledge: Knowledge) -> None:
    """Language, one h1, headings in order, unique ids, live links, captions, scopes, names."""
    found = page(assessment, knowledge)
    assert found.all("html") == [{"lang": "en"}]
    levels = [int(t[1]) for t, _ in found.elements if re.fullmatch("h[1-6]", t)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [a["id"] for _, a in found.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for link in found.all("a"):
        assert (link["href"] or "")[1:] in ids
    assert found.elements[[t for t, _ in found.elements].index("body") + 1][1]["class"] == "skip"
    assert len(found.all("caption")) == len(found.all("table"))
    assert all(th.get("scope") in ("col", "row") for th in found.all("th"))
    for svg in found.all("svg"):
        named = all(part in ids for part in (svg.get("aria-labelledby") or "-").split())
        assert svg.get("aria-hidden") == "true" or (svg["role"] == "img" and named)
    for name in ("section", "nav"):
        assert all("aria-labelledby" in a or "aria-label" in a for a in found.all(name))


@pytest.mark.parametrize("assessment", SAMPLES)
def test_the_same_input_gives_the_same_bytes(assessment: Assessment, knowledge: Knowledge) -> None:
    """Nothing depends on a clock or on the order of a set."""
    assert html.render(assessment, knowledge) == html.render(assessment, knowledge)


def test_a_record_that_says_nothing_is_not_reassuring(knowledge: Knowledge) -> None:
    """Every empty part says that it is empty, and the headline is not an all-clear."""
    seen = "".join(page(sample.sparse(), knowledge).text)
    for text in (
        *("Not settled", "not measured", "cannot be judged", "No criterion is met."),
        *("No rule names a condition", "No test is proposed", "No hazard is named"),
        *("No value was stated.", "No finding was stated.", "No source was used."),
        *("No limits are recorded", "No evidence was used."),
    ):
        assert text in seen, text


def test_empty_parts_of_an_assessment(knowledge: Knowledge) -> None:
    """With nothing missing, nothing open and nothing ranked, the report still stands."""
    full = sample.full()
    bare = replace(
        full,
        severity=full.severity[:1],
        missing=(),
        issues=(),
        differential=(replace(full.differential[0], contributions=(), note=""),),
        next_tests=(replace(full.next_tests[0], tier=7, source=("NOT_CITED",)),),
        always_show=full.always_show[:1],
        hazards=(replace(full.hazards[0], conditions=(), test=""),),
        findings=(replace(full.findings[0], label="", used_as=("unknown finding",)),),
    )
    seen = "".join(page(bare, knowledge).text)
    assert "Nothing that a rule asks for is missing." in seen
    assert "No issue was found in the input." in seen
    assert "Tier 7" in seen
    assert "NOT_CITED" in seen
    assert "Because of" not in seen
    assert "further conditions" not in seen
    assert "unknown finding" in seen


def test_long_lists_are_folded(knowledge: Knowledge) -> None:
    """Many missing items and conditions without evidence are kept, folded."""
    full = sample.full()
    many = tuple(replace(full.missing[0], item=str(k), name=f"item {k}") for k in range(20))
    last = replace(full.differential[-1], contributions=())
    crowded = replace(full, missing=many, differential=(*full.differential[:-1], last))
    seen = "".join(page(crowded, knowledge).text)
    assert "8 more not stated" in seen
    assert "item 19" in seen
    assert "1 ranked below these" in seen


def test_a_level_alone_needs_no_lesser_reasons(knowledge: Knowledge) -> None:
    """Nothing is said of rules that were not met or could not be answered when there are none."""
    seen = "".join(page(sample.emergency(), knowledge).text)
    assert "This record: Emergency: go now" in seen
    assert "Also met" not in seen
    assert "Could be higher" not in seen


# --- colors -------------------------------------------------------------------------------------


def _luminance(color: str) -> float:
    parts = (int(color[k : k + 2], 16) / 255 for k in (1, 3, 5))
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_in_light_dark_and_print() -> None:
    """Every text color reaches 4.5 to 1 on every ground it is used on (WCAG 2.2, 1.4.3)."""
    css = resources.files("hematon.report").joinpath("style.css").read_text("utf-8")
    palettes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{([^}]*)\}", css)
    ]
    assert len(palettes) == 3
    for palette in palettes:
        grounds = ("paper", "wash", "pink-wash", "ochre-wash")
        for ground in grounds:
            for ink in ("ink", "soft", "violet", "pink", "ochre"):
                assert _contrast(palette[ink], palette[ground]) >= 4.5, (ink, ground)
        assert _contrast(palette["ink"], palette["band"]) >= 4.5
        # Lines and marks of a chart: 3 to 1 (1.4.11).
        assert _contrast(palette["limit"], palette["paper"]) >= 3


def test_steps_of_the_first_that_fit_are_unfolded(knowledge: Knowledge) -> None:
    """Each leading condition has its steps; two are open, and only these are printed."""
    full = html.render(sample.full(), knowledge)
    assert full.count('<table class="waterfall"') == 4
    assert len(re.findall(r'<details open class="steps"', full)) == 2
    assert len(re.findall(r'<details class="steps"', full)) == 2


def test_where_nothing_fits_the_first_ranked_are_unfolded(knowledge: Knowledge) -> None:
    """A list of conditions that fit poorly still shows how it came about."""
    full = sample.full()
    poor = tuple(replace(c, band="less_likely") for c in full.differential)
    written = html.render(replace(full, differential=poor), knowledge)
    assert len(re.findall(r'<details open class="steps"', written)) == 2


def test_questions_stand_before_the_tests(knowledge: Knowledge) -> None:
    """What costs the child nothing comes first, with what each answer would do."""
    seen = "".join(page(sample.full(), knowledge).text)
    asked = seen.index(wording.ASK)
    assert asked < seen.index("Parents related by blood", asked) < seen.index("Blood now")
    assert "Present: Fanconi anemia, Telomere biology disorder" in seen
    assert wording.ASK not in "".join(page(sample.sparse(), knowledge).text)


def test_what_would_change_a_condition_is_on_its_card(knowledge: Knowledge) -> None:
    """Both answers to what is not known, and their sizes among the model's numbers."""
    seen = "".join(page(sample.full(), knowledge).text)
    assert "What would change this most" in seen
    assert "Parents related by blood (ask): present LR 1.8 for, slight" in seen
    assert "Change of the log odds against all others" in seen


def test_references_are_links_and_text_stays_text() -> None:
    """PubMed, OMIM and Orphanet are linked by number; nothing else becomes markup."""
    written = linked("<b> PMID:123, OMIM:227650 (ORPHA:84); HP:0001250")
    assert written == (
        '&lt;b&gt; <a href="https://pubmed.ncbi.nlm.nih.gov/123/" rel="noreferrer">PMID:123</a>, '
        '<a href="https://omim.org/entry/227650" rel="noreferrer">OMIM:227650</a> '
        '(<a href="https://www.orpha.net/en/disease/detail/84" rel="noreferrer">ORPHA:84</a>); '
        "HP:0001250"
    )


def test_publications_of_a_stated_term_can_be_opened(knowledge: Knowledge) -> None:
    """Evidence that rests on the annotations links to where it was counted, and so do sources."""
    stated = (Finding("HP:0004977", observed=True), Finding("HP:0001873", observed=True))
    written = html.render(assess(Case("x", findings=stated), knowledge), knowledge)
    assert re.search(r'with it, [^<]*without; <a href="https://pubmed.ncbi.nlm.nih.gov/', written)
    assert re.search(
        r"HPO terms [^<]*<a href=\"https://(omim.org/entry|www.orpha.net/en/disease/detail)/\d",
        written,
    )
    assert re.search(r'<dd>[^<]*<a href="https://pubmed.ncbi.nlm.nih.gov/\d+/"', written)
    assert "annotations:HP" not in written


def test_unsettled_is_no_step_of_the_ladder(knowledge: Knowledge) -> None:
    """Headline and ladder say the same of a record that leaves rules open."""
    written = html.render(sample.sparse(), knowledge)
    assert "This record: Not settled" in written
    assert "No time limit met" not in written
