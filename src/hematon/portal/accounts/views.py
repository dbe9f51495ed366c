"""The staff's start page, and sign-in that says 429 when it refuses to try."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from allauth.account.forms import LoginForm
from allauth.account.views import LoginView
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from hematon.portal.accounts import own_account, sessions
from hematon.portal.accounts.access import Role, staff_of, staff_page


class SignIn(LoginView):
    """allauth's sign-in; after five wrong passwords in five minutes it answers 429."""

    def get_form(self, form_class: type[LoginForm] | None = None) -> LoginForm:
        """Give the form; its link for who forgot the password stands below it, not inside."""
        form = super().get_form(form_class)
        form.fields["password"].help_text = ""
        return form

    def form_invalid(self, form: LoginForm) -> HttpResponse:
        """Show the form again."""
        response: HttpResponse = super().form_invalid(form)
        if form.has_error("__all__", "too_many_login_attempts"):
            response.status_code = 429
        return response


sign_in = SignIn.as_view()


@dataclass(frozen=True)
class Tool:
    """One thing staff can open from the start page."""

    name: str
    text: str
    view: str
    roles: tuple[Role, ...]


TOOLS = (
    Tool(
        "Inbox",
        "Requests, calls, second opinions and referrals, in the order to read them.",
        "inbox",
        (Role.INTAKE, Role.CLINICIAN),
    ),
    Tool(
        "Assess a record",
        "Run the engine on a FHIR Bundle, a table or a phenopacket.",
        "assess_record",
        (Role.CLINICIAN,),
    ),
    Tool(
        "What clinicians think of assessments",
        "How often they agree or disagree with what was computed, and why; numbers alone.",
        "judgement_counts",
        (Role.CLINICIAN,),
    ),
    Tool(
        "Schedule",
        "Visits by day and week; book, move, and say what came of them.",
        "schedule",
        (Role.SCHEDULER, Role.CLINICIAN),
    ),
    Tool(
        "Opening times",
        "When clinicians are open, and when they are not.",
        "opening_rules",
        (Role.SCHEDULER,),
    ),
    Tool(
        "Who may see a child",
        "Requests for access, disputes, and the history of every link.",
        "access_requests",
        (Role.INTAKE,),
    ),
    Tool(
        "Settings",
        "Reading order, promises, age rules, ratings, retention: read, change, sign.",
        "programme_settings",
        (Role.ADMINISTRATOR, Role.CLINICIAN),
    ),
    Tool("Pages", "What is due for review, by language.", "content_queue", (Role.EDITOR,)),
    Tool("Reviews", "Comments waiting for two readers.", "review_queue", (Role.MODERATOR,)),
    Tool(
        "Safety concerns",
        "Comments that may tell of harm to a child.",
        "safety_concerns",
        (Role.INTAKE,),
    ),
    Tool("Roster", "Load, compare and export experts.", "roster", (Role.ADMINISTRATOR,)),
    Tool(
        "Health",
        "Backups, keys, jobs, and what ends soon.",
        "health",
        (Role.ADMINISTRATOR,),
    ),
    Tool(
        "Awards and facts", "What the site may claim, until when.", "claims", (Role.ADMINISTRATOR,)
    ),
    Tool(
        "Audit",
        "Who saw and did what, and emergency openings to review.",
        "audit_log",
        (Role.PRIVACY,),
    ),
    Tool(
        "Mail that could not be sent",
        "Why, since when, and sending it again.",
        "failed_notices",
        (Role.ADMINISTRATOR,),
    ),
    Tool("People", "Accounts of staff: roles, second factor.", "people", (Role.ADMINISTRATOR,)),
)
"""Named here, so that the start page needs no app above this one."""


@staff_page()
@require_safe
def staff(request: HttpRequest) -> HttpResponse:
    """Show what this person may do."""
    user = staff_of(request)
    tools = [tool for tool in TOOLS if user.holds(*tool.roles)]
    return render(request, "accounts/staff.html", {"tools": tools})


@staff_page()
@require_POST
def keep_session(request: HttpRequest) -> HttpResponse:
    """Do nothing but be asked for: that alone keeps the session from being idle."""
    return HttpResponse(status=204)


@staff_page()
@require_safe
def staff_sessions(request: HttpRequest) -> HttpResponse:
    """Show where the person is signed in."""
    user = staff_of(request)
    return render(
        request,
        "accounts/staff_sessions.html",
        {"sessions": sessions.current(user), "own_session": sessions.own_row(request)},
    )


@staff_page()
@require_POST
def end_staff_session(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End one of the person's sessions; another's is not there."""
    user = staff_of(request)
    if not own_account.end_sessions(user=user, by=user, only=pk):
        raise Http404
    messages.success(request, "That browser is signed out.")
    return redirect("staff_sessions")


@staff_page()
@require_POST
def end_other_staff_sessions(request: HttpRequest) -> HttpResponse:
    """End every session of the person but this one."""
    user = staff_of(request)
    own_account.end_sessions(user=user, by=user, but=sessions.own_row(request))
    messages.success(request, "All other browsers are signed out.")
    return redirect("staff_sessions")
