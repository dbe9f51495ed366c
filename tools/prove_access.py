"""Ask every cell of the access matrix and print how many were answered wrongly.

    python tools/prove_access.py

Runs on a test database, as the tests do. Exit 1 when a cell is wrong.
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
    logging.disable(logging.WARNING)
    from django.db import transaction
    from django.test.utils import get_runner, setup_test_environment

    from portal_cells import METHODS, PEOPLE, wrong
    from portal_routes import routes

    setup_test_environment()
    runner = get_runner(None, "django.test.runner.DiscoverRunner")(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    begun, count, found = perf_counter(), 0, list[str]()
    try:
        for route in routes():
            with transaction.atomic():
                asked, amiss = wrong(route)
                transaction.set_rollback(True)
            count, found = count + asked, found + amiss
    finally:
        runner.teardown_databases(databases)
    for line in found:
        print(line)
    print(
        f"{count} cells: {len(routes())} routes x {len(PEOPLE)} people x {len(METHODS)} methods x "
        f"languages; {len(found)} wrong; {perf_counter() - begun:.0f} s"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
