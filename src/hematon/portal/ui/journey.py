"""One question per page, answers kept on the server, steps that cannot be skipped.

A journey is a row of questions; each is a form with one page. Answers live in the session, so
that nothing a family typed stands in an address, and the browser's back button is harmless.

A journey that keeps its answers elsewhere overrides `kept`, `keep` and `forget`; one whose
addresses name more than the question overrides `at`, `before` and `after`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse

Answers = Mapping[str, Mapping[str, Any]]
"""Key of a question to what its form gave, ready for JSON."""


def _always(answers: Answers) -> bool:
    return True


@dataclass(frozen=True)
class Question:
    """One page of a journey.

    Attributes:
        key: part of the address; also the key of its answers.
        form: class of its form; cleaned values must be texts, numbers, booleans or lists of them.
        asked: whether the answers so far call for it.
        template: its page; `ui/question.html` has the pattern.
    """

    key: str
    form: type[forms.Form]
    asked: Callable[[Answers], bool] = _always
    template: str = "ui/question.html"


@dataclass(frozen=True)
class Journey:
    """A row of questions.

    Attributes:
        name: key in the session.
        questions: in the order asked.
        view: name of the address of a question; takes `key`.
        start: name of the address before the first question.
        end: name of the address after the last one.
        caption: what every page says above its question; a lazy translation.
    """

    name: str
    questions: Sequence[Question]
    view: str
    start: str
    end: str
    caption: object = ""

    def answers(self, request: HttpRequest) -> dict[str, dict[str, Any]]:
        """Give the answers to the questions that are asked, in their order."""
        kept = self.kept(request)
        given: dict[str, dict[str, Any]] = {}
        for question in self.questions:
            if question.asked(given) and question.key in kept:
                given[question.key] = kept[question.key]
        return given

    def missing(self, request: HttpRequest) -> HttpResponseRedirect | None:
        """Give where to go when a question is still open; None when all are answered."""
        given = self.answers(request)
        for question in self.questions:
            if question.asked(given) and question.key not in given:
                return redirect(self.at(question.key))
        return None

    def kept(self, request: HttpRequest) -> Mapping[str, Any]:
        """Give every answer kept so far, asked or not."""
        kept: Mapping[str, Any] = request.session.get(self.name, {})
        return kept

    def keep(self, request: HttpRequest, key: str, answer: dict[str, Any]) -> None:
        """Keep one answer."""
        request.session[self.name] = {**self.kept(request), key: answer}

    def forget(self, request: HttpRequest) -> None:
        """Drop every answer."""
        request.session.pop(self.name, None)

    def at(self, key: str) -> str:
        """Give the address of a question."""
        return reverse(self.view, kwargs={"key": key})

    def before(self) -> str:
        """Give the address before the first question."""
        return reverse(self.start)

    def after(self) -> str:
        """Give the address after the last question."""
        return reverse(self.end)

    def first(self) -> str:
        """Give the address of the first question."""
        return self.at(self.questions[0].key)

    def made(self, request: HttpRequest, question: Question, **given: Any) -> forms.Form:
        """Make the form of a question, from what was sent or from the answer so far."""
        return question.form(**given)

    def reach(self, request: HttpRequest, key: str) -> Question | HttpResponseRedirect:
        """Give a question whose turn it can be, else where to go: to the first open one."""
        given = self.answers(request)
        reachable = []
        for question in self.questions:
            if not question.asked(given):
                continue
            reachable.append(question)
            if question.key not in given:
                break
        found = next((q for q in reachable if q.key == key), None)
        return found or redirect(self.at(reachable[-1].key))

    def back(self, request: HttpRequest, key: str) -> str:
        """Give the address of the page before a question that is asked."""
        given = self.answers(request)
        asked = [q.key for q in self.questions if q.asked(given)]
        place = asked.index(key)
        return self.at(asked[place - 1]) if place else self.before()

    def page(self, request: HttpRequest, key: str, **context: object) -> HttpResponse:
        """Show one question, or take its answer and go on.

        A question that is not asked, or whose earlier ones are open, leads to the first open one.
        After a change of an answer, the way leads to the end when nothing else is open.
        """
        question = self.reach(request, key)
        if isinstance(question, HttpResponseRedirect):
            return question
        if request.method == "POST":
            form = self.made(request, question, data=request.POST, files=request.FILES)
            if form.is_valid():
                self.keep(request, key, form.cleaned_data)
                return self.go_on(request, key)
        else:
            form = self.made(request, question, initial=self.answers(request).get(key))
        for field in list(form.fields.values())[:1]:
            # One question alone is the page's heading, unless the page has one of its own.
            headed = hasattr(form, "title") or getattr(form, "has_heading", False)
            alone = len(form.fields) == 1 and not headed
            field.is_heading = alone  # type: ignore[attr-defined]
        title = getattr(form, "title", None) or next(iter(form.fields.values())).label
        page = {"form": form, "back": self.back(request, key), "caption": self.caption}
        return render(request, question.template, {**page, "title": title, **context})

    def go_on(self, request: HttpRequest, key: str) -> HttpResponse:
        """Lead from an answered question to the next open one, else to the end."""
        given = self.answers(request)
        asked = [q.key for q in self.questions if q.asked(given)]
        for later in asked[asked.index(key) + 1 :]:
            if later not in given:
                return redirect(self.at(later))
        return self.missing(request) or redirect(self.after())
