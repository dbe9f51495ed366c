"""Text cannot become markup."""

from __future__ import annotations

from hematon.report.markup import Markup, element, join, style_sheet, text


def test_text_is_escaped_once() -> None:
    """Plain text is escaped; what is markup already is not touched again."""
    once = text("<script>\"'&")
    assert once == "&lt;script&gt;&quot;&#x27;&amp;"
    assert text(once) is once


def test_elements_escape_children_and_attributes() -> None:
    """Neither a child nor an attribute can break out of its element."""
    made = element("p", "<b>", element("b", "&"), None, ["x", ["y"]], class_='a"b', data_label="c")
    assert made == '<p class="a&quot;b" data-label="c">&lt;b&gt;<b>&amp;</b>xy</p>'


def test_attributes_that_say_nothing_are_left_out() -> None:
    """True is a bare name; None and False leave no trace; void elements close themselves."""
    assert element("details", open=True, id=None, hidden=False) == "<details open></details>"
    assert element("line", x1=1.0, x2=2.25, y1=3) == '<line x1="1" x2="2.2" y1="3"/>'


def test_joined_markup_is_markup() -> None:
    """Joining keeps the mark of safety."""
    assert isinstance(join("a", Markup("<i></i>")), Markup)
    assert style_sheet("a{}") == "<style>\na{}</style>"
