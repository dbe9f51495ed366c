"""The portal's addresses, a page that asks for files, and an engine that fails when told to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hematon.portal.clinic import views
from upload_page import urlpatterns as _urlpatterns

urlpatterns = _urlpatterns
handler400 = "hematon.portal.ui.views.bad_request"
handler403 = "hematon.portal.ui.views.forbidden"
handler429 = "hematon.portal.ui.views.too_many"
handler404 = "hematon.portal.ui.views.not_found"
handler500 = "hematon.portal.ui.views.server_error"

_judge = views.judge


def _judge_or_fail(*args: Any, **kwargs: Any) -> Any:
    if Path(os.environ["HEMATON_PORTAL_DIR"], "engine-fails").exists():
        raise ArithmeticError("canary-of-the-engine")
    return _judge(*args, **kwargs)


views.judge = _judge_or_fail
