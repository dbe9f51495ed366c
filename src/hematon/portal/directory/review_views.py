"""A family's review: what it is for, three questions, a look at the answers, thanks.

The link's token moves from the address into the session when the family starts, so that the
questions have addresses without it. Opening a link changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from hematon.portal.directory.access import today
from hematon.portal.directory.actions import (
    LinkExpiredError,
    LinkUsedError,
    TooSoonError,
    link_of,
    send_review,
)
from hematon.portal.directory.forms import CommentQuestion, ExplainedQuestion, ScoreQuestion
from hematon.portal.directory.identifying import pieces
from hematon.portal.directory.models import ReviewLink
from hematon.portal.ui.journey import Journey, Question
from hematon.portal.ui.open import open_page

_TOKEN = "review_link"  # noqa: S105 - a key of the session
_CLOSED = {LinkUsedError: "used", LinkExpiredError: "expired", TooSoonError: "too_soon"}

JOURNEY = Journey(
    name="review",
    questions=(
        Question("score", ScoreQuestion),
        Question("explained", ExplainedQuestion),
        Question("comment", CommentQuestion, template="directory/review_comment.html"),
    ),
    view="review_question",
    start="review_closed",
    end="review_check",
    caption=_("Review"),
)


def _closed(request: HttpRequest, why: str) -> HttpResponse:
    status = 200 if why == "used" else 410
    return render(request, "directory/review_closed.html", {"why": why}, status=status)


def _with_link(
    request: HttpRequest, token: str, show: Callable[[ReviewLink], HttpResponse]
) -> HttpResponse:
    """Show a page of a link that works; otherwise say why it does not."""
    try:
        link = link_of(token, today())
    except (LinkUsedError, LinkExpiredError, TooSoonError) as refused:
        return _closed(request, _CLOSED[type(refused)])
    return show(link) if link else _closed(request, "unknown")


@open_page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, token: str) -> HttpResponse:
    """Say who sees a review and what is not shown; the button begins."""

    def show(link: ReviewLink) -> HttpResponse:
        if request.method == "POST":
            JOURNEY.forget(request)
            request.session[_TOKEN] = token
            return redirect(JOURNEY.first())
        return render(request, "directory/review_start.html", {"link": link})

    return _with_link(request, token, show)


@open_page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def question(request: HttpRequest, key: str) -> HttpResponse:
    """Ask one question."""

    def show(link: ReviewLink) -> HttpResponse:
        caption = _("Review of %(name)s") % {"name": link.expert.name}
        return JOURNEY.page(request, key, caption=caption)

    return _with_link(request, request.session.get(_TOKEN, ""), show)


@open_page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Show the answers, warn of what may identify the child, and send."""
    token = request.session.get(_TOKEN, "")

    def show(link: ReviewLink) -> HttpResponse:
        if missing := JOURNEY.missing(request):
            return missing
        given = JOURNEY.answers(request)
        comment = given["comment"]["comment"]
        if request.method == "POST":
            send_review(
                token=token,
                score=int(given["score"]["score"]),
                explained=int(given["explained"]["explained"]),
                comment=comment,
                language=(get_language() or "en")[:2],
                on=today(),
            )
            JOURNEY.forget(request)
            request.session.pop(_TOKEN, None)
            return redirect("review_sent")
        labels = dict(ExplainedQuestion.base_fields["explained"].choices)  # type: ignore[attr-defined]
        return render(
            request,
            "directory/review_check.html",
            {
                "link": link,
                "score": given["score"]["score"],
                "explained": labels[given["explained"]["explained"]],
                "comment": comment,
                "found": pieces(comment, [link.expert.name]),
            },
        )

    try:
        return _with_link(request, token, show)
    except (LinkUsedError, LinkExpiredError, TooSoonError) as refused:
        # Another tab was faster.
        return _closed(request, _CLOSED[type(refused)])


@open_page
@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """Give thanks and say what happens next."""
    return render(request, "directory/review_sent.html")


@open_page
@require_safe
def closed(request: HttpRequest) -> HttpResponse:
    """Lead back to where a review began; without one, say that the link is needed."""
    token = request.session.get(_TOKEN, "")
    return redirect("review", token=token) if token else _closed(request, "unknown")
