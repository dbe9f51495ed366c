"""Prose to HTML: CommonMark with citations, terms explained in place, pictures and care cards.

    [@FARF2020]               a citation; several ids are parted by ;
    [low platelets](term:thrombocytopenia)   explains the term where it stands
    [Fanconi anemia](page:fanconi-anemia)    another page, in the reader's language
    ![](figure:marrow)        a picture of ours, with its text equivalent
    {{care:now}}              a care card, on a line of its own; shared texts are in care_cards.yaml
    {{numbers:open}}          a closed panel begins, to open by those who want to see numbers
    {{numbers:close}}         it ends; each on a line of its own with blank lines around it

HTML in the prose is shown as text, never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_CITATION = re.compile(r"\[@([A-Za-z0-9_]+(?:;\s*@?[A-Za-z0-9_]+)*)\]")
_CARE = re.compile(r"^\{\{care:([a-z_]+)\}\}$")
_NUMBERS = re.compile(r"^\{\{numbers:(open|close)\}\}$")
_RULES = (
    "citation",
    "heading_open",
    "link_open",
    "link_close",
    "image",
    "text",
    "paragraph_open",
    "paragraph_close",
)
_OPENED = {
    "table_open": '<table class="nhsuk-table">',
    "bullet_list_open": '<ul class="nhsuk-list nhsuk-list--bullet">',
    "ordered_list_open": '<ol class="nhsuk-list nhsuk-list--number">',
}
_SLUG = re.compile(r"[^\w]+")


Tokens = Sequence[Token]


@dataclass
class Rendered:
    """One page's prose as HTML.

    Attributes:
        html: the body.
        headings: (id, text) of its second-level headings.
        cited: ids of the sources, in the order first cited.
        terms: ids of the terms explained.
        pages: slugs linked to.
        figures: pictures shown.
        cards: care cards shown.
    """

    html: str = ""
    headings: list[tuple[str, str]] = field(default_factory=list)
    cited: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Writers:
    """What markup of ours becomes; each gives HTML.

    Attributes:
        term: (id of the term, the words, number of the place) -> HTML.
        page: slug -> address.
        figure: name -> HTML.
        card: id -> HTML.
        numbers: whether the panel opens here or ends -> HTML.
        citation_label: number -> what a screen reader says.
    """

    term: Callable[[str, str, int], str]
    page: Callable[[str], str]
    figure: Callable[[str], str]
    card: Callable[[str], str]
    numbers: Callable[[bool], str]
    citation_label: Callable[[int], str]


def render(text: str, writers: Writers) -> Rendered:
    """Make the HTML of one page's prose."""
    found = Rendered()
    md = MarkdownIt("commonmark", {"html": False}).enable("table")
    md.inline.ruler.before("link", "citation", _citation)
    renderer = md.renderer
    assert isinstance(renderer, RendererHTML)
    rules = _Rules(found, writers, renderer)
    for name in _RULES:
        renderer.rules[name] = getattr(rules, name)
    for name, html in _OPENED.items():
        md.add_render_rule(name, lambda *_, html=html: html)
    found.html = md.render(text)
    return found


def _citation(state: StateInline, silent: bool) -> bool:
    match = _CITATION.match(state.src, state.pos)
    if not match:
        return False
    if not silent:
        token = state.push("citation", "", 0)
        token.meta = {"ids": [part.strip(" @") for part in match[1].split(";")]}
    state.pos = match.end()
    return True


class _Rules:
    """Render rules with the state of one page."""

    def __init__(self, found: Rendered, writers: Writers, renderer: RendererHTML) -> None:
        self.found, self.writers, self.renderer = found, writers, renderer
        self.closing: list[str] = []
        self.card = False

    def citation(self, tokens: Tokens, i: int, o: OptionsDict, e: EnvType) -> str:
        links = []
        for source in tokens[i].meta["ids"]:
            if source not in self.found.cited:
                self.found.cited.append(source)
            number = self.found.cited.index(source) + 1
            label = self.writers.citation_label(number)
            links.append(f'<a href="#source-{number}" aria-label="{label}">{number}</a>')
        return f'<span class="hm-cite">[{", ".join(links)}]</span>'

    def heading_open(self, tokens: Tokens, i: int, o: OptionsDict, e: EnvType) -> str:
        token = tokens[i]
        if token.tag == "h2":
            words = "".join(t.content for t in tokens[i + 1].children or [] if t.type == "text")
            place = _SLUG.sub("-", words.lower()).strip("-")
            self.found.headings.append((place, words))
            token.attrSet("id", place)
        return self.renderer.renderToken(tokens, i, o, e)

    def link_open(self, tokens: Tokens, i: int, o: OptionsDict, e: EnvType) -> str:
        token = tokens[i]
        target = str(token.attrs["href"])
        kind, _, name = target.partition(":")
        if kind == "term":
            words = ""
            for later in tokens[i + 1 :]:
                if later.type == "link_close":
                    break
                words += later.content
                later.content = ""
            self.found.terms.append(name)
            self.closing.append("")
            return self.writers.term(name, words, len(self.found.terms))
        self.closing.append("</a>")
        if kind == "page":
            slug, _, place = name.partition("#")
            self.found.pages.append(slug)
            token.attrs["href"] = self.writers.page(slug) + (f"#{place}" if place else "")
        return self.renderer.renderToken(tokens, i, o, e)

    def link_close(self, tokens: Tokens, i: int, o: OptionsDict, e: EnvType) -> str:
        return self.closing.pop()

    def image(self, tokens: Tokens, i: int, o: OptionsDict, e: EnvType) -> str:
        name = str(tokens[i].attrs["src"]).removeprefix("figure:")
        self.found.figures.append(name)
        return self.writers.figure(name)

    def text(self, tokens: Tokens, i: int, o: OptionsDict, e: EnvType) -> str:
        match = _CARE.match(tokens[i].content)
        if match:
            self.found.cards.append(match[1])
            return self.writers.card(match[1])
        match = _NUMBERS.match(tokens[i].content)
        if match:
            return self.writers.numbers(match[1] == "open")
        return self.renderer.text(tokens, i, o, e)

    def paragraph_open(self, tokens: Tokens, i: int, o: OptionsDict, e: EnvType) -> str:
        # Pictures, cards and panels are blocks of their own and stand in no paragraph.
        inline = tokens[i + 1]
        only = inline.children or []
        self.card = len(only) == 1 and (
            only[0].type == "image"
            or bool(_CARE.match(only[0].content) or _NUMBERS.match(only[0].content))
        )
        return "" if self.card else self.renderer.renderToken(tokens, i, o, e)

    def paragraph_close(self, tokens: Tokens, i: int, o: OptionsDict, e: EnvType) -> str:
        return "" if self.card else self.renderer.renderToken(tokens, i, o, e)
