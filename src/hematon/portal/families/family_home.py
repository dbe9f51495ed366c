"""The children whom a person sees, on a family's first page."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from hematon.portal.accounts.models import User
from hematon.portal.families import access
from hematon.portal.families.models import Status
from hematon.portal.ui.family_home import Entry, Panel, on_home


@on_home(30)
def children(user: User, at: datetime) -> Panel:
    """Give each child, and what staff still check."""
    here = reverse("my_children")
    entries = [Entry(child.name, here) for child in access.children_of(user, at)]
    waiting = [link for link in access.own_links(user) if link.status == Status.REQUESTED]
    entries += [
        Entry(link.child.name, here, tag=_("We are checking it"), color="yellow")
        for link in waiting
    ]
    return Panel(
        key="children",
        heading=_("Your children"),
        entries=tuple(entries),
        empty=_("To book visits, ask us to link your child to your account."),
        links=(
            (_("Who can see what about your child"), here),
            (_("Ask to see a child's information"), reverse("ask_access")),
        ),
    )
