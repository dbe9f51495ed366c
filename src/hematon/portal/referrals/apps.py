"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    """See the package's own docstring."""

    name = "hematon.portal.referrals"

    def ready(self) -> None:
        """Say how the answers of a referral read, wherever the team reads a case."""
        from hematon.portal.care.status import Kind
        from hematon.portal.care.told import tells
        from hematon.portal.referrals.summary import sections

        tells(Kind.REFERRAL)(sections)
