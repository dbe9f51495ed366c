"""The demonstration's mail: one file each, in the portal's folder, for its owner alone."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone


class EmailBackend(BaseEmailBackend):
    """Writes mail to EMAIL_FILE_PATH instead of sending it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each to a file whose name begins with the time, whole from the first moment on."""
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(mode=0o700, exist_ok=True)
        for mail in email_messages:
            name = f"{timezone.now():%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}"
            part = folder / f".{name}"
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(mail.message().as_bytes())
            part.rename(folder / f"{name}.eml")
        return len(email_messages)
