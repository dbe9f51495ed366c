"""Ask every cell of who may do what and print how many were answered wrongly.

    python tools/prove_access.py             routes, objects, fields and files
    python tools/prove_access.py --short     without the routes: half a minute

Routes: every address x person x method x language, by the access matrix. Objects: every kind of
person x record x act. Pages: the same at the addresses of records. Files: every person x file x
state. Fields: every text that staff alone may read, looked for on every page of a family.
Runs on a test database, as the tests do. Exit 1 when a cell is wrong.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from time import perf_counter


def main() -> int:
    """Ask everything and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--short", action="store_true", help="without the routes")
    short = parser.parse_args().short
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal_settings")
    import django

    django.setup()
    logging.disable(logging.WARNING)
    from django.db import transaction
    from django.test.utils import get_runner, setup_test_environment

    from portal_cells import METHODS, PEOPLE, wrong
    from portal_objects import PEOPLE as KINDS
    from portal_objects import ask_all, build
    from portal_routes import routes

    setup_test_environment()
    runner = get_runner(None, "django.test.runner.DiscoverRunner")(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    begun, count, found = perf_counter(), 0, list[str]()
    try:
        with transaction.atomic():
            figures = ask_all(build())
            transaction.set_rollback(True)
        found += figures.wrong
        for route in [] if short else routes():
            with transaction.atomic():
                asked, amiss = wrong(route)
                transaction.set_rollback(True)
            count, found = count + asked, found + amiss
    finally:
        runner.teardown_databases(databases)
    for line in found:
        print(line)
    if not short:
        print(
            f"route   {count:6} cells: {len(routes())} routes x {len(PEOPLE)} people x "
            f"{len(METHODS)} methods x languages"
        )
    for level, asked in figures.asked.items():
        print(f"{level:7} {asked:6} cells, {len(KINDS)} kinds of people")
    print(f"{figures.allowed} of the latter must be allowed, and were")
    asked_all = count + sum(figures.asked.values())
    print(f"{asked_all} cells in all; {len(found)} wrong; {perf_counter() - begun:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
