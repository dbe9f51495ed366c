"""T-21, T-22, T-23: headers and cookies of every route, by everyone, with errors and static files.

    python tools/prove_headers.py

Asks as in production: over TLS, with the cookies and the transport of a portal in use. Prints every
rule that an answer breaks, how many answers there were, by status, and how many rules were held
against them; exit code 1 where one is broken or a page of an error was not seen.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from time import perf_counter


def main() -> int:
    """Ask everything and print the figures."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal_settings")
    import django

    django.setup()
    logging.disable(logging.CRITICAL)
    from django.conf import settings
    from django.core.management import call_command
    from django.db import transaction
    from django.test import Client, override_settings
    from django.test.utils import get_runner, setup_test_environment

    from header_rules import ERRORS, METHODS, PRODUCTION, Sweep
    from portal_cells import PEOPLE
    from portal_routes import routes

    setup_test_environment()
    runner = get_runner(None, "django.test.runner.DiscoverRunner")(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    call_command("collectstatic", interactive=False, verbosity=0)
    begun, sweep = perf_counter(), Sweep()
    try:
        for route in routes():
            with transaction.atomic():
                sweep.routes([route])
                transaction.set_rollback(True)
        sweep.errors()
        files = 0
        with override_settings(**PRODUCTION):
            client = Client()
            for file in sorted(Path(settings.STATIC_ROOT).rglob("*")):
                if file.is_file():
                    address = f"/static/{file.relative_to(settings.STATIC_ROOT)}"
                    answer = client.get(address, secure=True)
                    sweep.judge(address, answer, static=True)
                    files += answer.status_code == 200
    finally:
        runner.teardown_databases(databases)
    unseen = [status for status in ERRORS if not sweep.asked[status]]
    sweep.wrong += [f"no answer was {status}" for status in unseen]
    if not files:
        sweep.wrong.append("no static file was given out")
    for line in sweep.wrong[:100]:
        print(line)
    print(f"by status {dict(sorted(sweep.asked.items()))}; cookies {dict(sweep.cookies)}")
    print(
        f"{len(routes())} routes x {len(PEOPLE)} people x {len(METHODS)} methods x languages, "
        f"errors, {files} static files: {sum(sweep.asked.values())} answers, {sweep.rules} rules "
        f"checked, {len(sweep.wrong)} wrong; {perf_counter() - begun:.0f} s"
    )
    return 1 if sweep.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
