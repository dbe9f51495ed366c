"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class FilesConfig(AppConfig):
    """See the package's own docstring."""

    name = "hematon.portal.files"

    def ready(self) -> None:
        """Say where the sealed keys of files are, so that a change of keys finds them."""
        from hematon.portal.files.models import StoredFile, place_of
        from hematon.portal.vault.large import sealed_key

        sealed_key(StoredFile, place=place_of, needs=("holder",))
