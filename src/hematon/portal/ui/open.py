"""The mark of a page that anyone may open. Every other page needs sign-in."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required

open_page = login_not_required
