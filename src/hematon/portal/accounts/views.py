"""The staff's start page."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hematon.portal.accounts.access import Role, staff_of, staff_page


@dataclass(frozen=True)
class Tool:
    """One thing staff can open from the start page."""

    name: str
    text: str
    view: str
    roles: tuple[Role, ...]


TOOLS = (
    Tool("Requests to be called", "Families who asked for a call.", "callbacks", (Role.INTAKE,)),
    Tool(
        "Assess a record",
        "Run the engine on a FHIR Bundle, a table or a phenopacket.",
        "assess_record",
        (Role.CLINICIAN,),
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
        "Awards and facts", "What the site may claim, until when.", "claims", (Role.ADMINISTRATOR,)
    ),
)
"""Named here, so that the start page needs no app above this one."""


@staff_page()
@require_safe
def staff(request: HttpRequest) -> HttpResponse:
    """Show what this person may do."""
    user = staff_of(request)
    tools = [tool for tool in TOOLS if user.holds(*tool.roles)]
    return render(request, "accounts/staff.html", {"tools": tools})
