"""Settings for the tests: the demonstration's, in a folder of their own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from hematon.portal.vault.keys import new_keyring, write_keyring

_folder, _maker = Path(tempfile.mkdtemp(prefix="hematon-portal-")), os.getpid()


@atexit.register
def _clean() -> None:
    # A process that this one forked still uses the folder when it ends itself.
    if os.getpid() == _maker:
        shutil.rmtree(_folder, ignore_errors=True)


(_folder / "secret-key").write_text("0123456789" * 6)
(_folder / "secret-key").chmod(0o600)
(_folder / "static").mkdir()
write_keyring(_folder / "keyring.json", new_keyring())
os.environ.setdefault("HEMATON_PORTAL_DIR", str(_folder))
os.environ.setdefault("HEMATON_DEMO", "1")

from hematon.portal.settings import *  # noqa: E402, F403

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
