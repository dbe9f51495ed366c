"""T-29, T-32: what people type is on the screens that are for it, and nowhere else.

    python tools/prove_canary.py                                       SQLite
    python tools/with_postgres.py python tools/prove_canary.py         PostgreSQL

People take every journey of the portal and type a word of its own into every box; then everybody
opens every page that anybody was given, and fills every form there is. A family signs in with
codes; faults are forced with words in them; the worker, the backup, the purge, the checks and
gunicorn run. Then every byte is searched: the database's files and every value in it, contents,
the backup, mail, logs, addresses, titles, headers and pages of errors. At the end leaks are planted
on purpose, and the search must name each.

And when all has ended, a purge sixty years later must leave no sealed value but those that are said
to stay.

Exit code 1 when a word stands where it must not, when a sealed column was never reached, when a
screen shows words that `tests/canary_screens.yaml` does not list, or when a planted leak was not
found. What is listed and was never seen is named; at length it should be nothing.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
for _place in (ROOT / "tests", ROOT / "tools"):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

# After the path is set.
import throwaway  # noqa: E402

FAMILY, OUTSIDE = ("family", "another family"), ("clinician outside", "another clinician outside")
PASSWORD = "a long enough password"  # noqa: S105 of people who exist for minutes
MORE_STAFF = {"second clinician": "clinician", "clinician by emergency": "clinician"}
"""Staff beside one person for each role."""
ONLY_LOOK = ("another family", "another clinician outside", "second clinician")
TRIES = 2
"""How often a form of one kind is filled by each who walks."""
ADDRESSES_OF_A_ROUTE = {True: 2, False: 4}
"""How many addresses of one route everybody looks at, in short and at length."""


def main() -> int:
    """Make a portal, walk it, search it."""
    options = argparse.ArgumentParser(description="Search every byte for what was typed.")
    options.add_argument(
        "--short", action="store_true", help="the journeys, and who sees what; not every form"
    )
    given = options.parse_args()
    with throwaway.portal() as environment:
        folder = Path(environment["HEMATON_PORTAL_DIR"])
        tests = [str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(tests)
        environment["HEMATON_VIDEO"] = "https://video.invalid/{room}"
        environment["HEMATON_VIDEO_AGREEMENT"] = "2026-01-05"
        subprocess.run(
            [sys.executable, "-m", "django", "collectstatic", "--no-input", "-v", "0"],
            env=environment,
            check=True,
        )
        os.environ.update(environment)
        import django

        django.setup()
        return Proof(folder, environment, short=given.short).run()


class Proof:
    """The walk, the search, and the figures."""

    def __init__(self, folder: Path, environment: dict[str, str], *, short: bool) -> None:
        from canaries import Canaries
        from canary_search import Sealed
        from canary_walk import Record

        self.folder, self.environment, self.short = folder, environment, short
        self.record, self.sealed = Record(Canaries()), Sealed()
        self.log, self.logs = io.StringIO(), dict[str, str]()
        self.wrong: list[str] = []
        self.began = time.monotonic()

    def run(self) -> int:
        """Walk, search, plant leaks and search again; print the figures."""
        import canary_end
        import canary_machine as machine
        from canary_harm import missed, plant
        from canary_screens import table

        self._listen()
        people = self._people()
        self._walk(people)
        walked = time.monotonic() - self.began
        self.codes = machine.sign_in(self.record)
        machine.faults(self.record, people)
        for name, printed, failed in machine.commands(self.folder, self.environment):
            self.logs[name] = printed
            self.wrong += [f"command {name}: {failed}"] if failed else []
        self.logs["gunicorn"] = machine.gunicorn(self.folder, self.environment, self.record)
        self.sealed.note()
        search = self._search()
        listed = table()
        self.wrong += search.wrong + list(listed.wrong(self.record))
        self._tell(search, listed)
        by = plant(self.folder, self.record, search)
        again = [*self._search().wrong, *listed.wrong(self.record)]
        not_named = missed(by, again)
        print(f"leaks planted   {len(by) + 1}, of which {len(not_named)} were not named")
        self.wrong += [f"planted and not named: {name}" for name in not_named]
        emptied, kept = canary_end.wrong()
        print(
            f"end of time     {emptied} sealed columns emptied by the purge; "
            f"{len(canary_end.STAYS)} are said to stay"
        )
        self.wrong += kept
        wrong = list(dict.fromkeys(self.wrong))
        for line in wrong:
            print(f"WRONG {line}")
        took = time.monotonic() - self.began
        print(f"{len(wrong)} wrong; {took:.0f} s, of which the walk {walked:.0f} s")
        return 1 if wrong else 0

    def _listen(self) -> None:
        """Have what goes to the log, through the handler that the settings configure."""
        for name in ("django", "hematon", ""):
            for handler in logging.getLogger(name).handlers:
                if type(handler) is logging.StreamHandler:
                    handler.setStream(self.log)

    # --- the walk --------------------------------------------------------------------------------

    def _people(self) -> dict[str, Any]:
        from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

        from canary_machine import browser
        from canary_walk import Walker
        from hematon.portal.accounts.models import Kind, Role, StaffRole, User
        from hematon.portal.demo import load_demonstration

        load_demonstration(self.folder)
        people = {"anonymous": Walker("anonymous", browser(), self.record, TRIES)}

        def enter(name: str, user: User) -> None:
            people[name] = Walker(name, browser(), self.record, TRIES)
            people[name].client.force_login(user)
            self._wake(people[name])

        for names, kind, route in (
            (FAMILY, Kind.FAMILY, "family_sign_in"),
            (OUTSIDE, Kind.REFERRER, "referrer_sign_in"),
        ):
            for name in names:
                word = self.record.canaries.new(name, route, "address")
                enter(name, User.objects.create_without_password(f"{word}@people.invalid", kind))
        for name, role in {**{role.value: role.value for role in Role}, **MORE_STAFF}.items():
            address = f"{name.replace(' ', '-')}@proof.invalid"
            user = User.objects.create_user(address, PASSWORD)
            StaffRole.objects.create(user=user, role=role)
            TOTP.activate(user, generate_totp_secret())
            enter(name, user)
        return people

    @staticmethod
    def _wake(walker: Any) -> None:
        """Let a person have shown a moment ago that it is them; staff by their password as well."""
        from django.utils import timezone

        session = walker.client.session
        if "_auth_user_id" in session:
            session["confirmed_at"] = session["seen_at"] = timezone.now().timestamp()
            session.save()
        if walker.person not in ("anonymous", "somebody else", *FAMILY, *OUTSIDE):
            walker.do("/sign-in/reauthenticate/", password=PASSWORD)

    def _walk(self, people: dict[str, Any]) -> None:
        """The journeys; then everybody looks at what anybody saw; then every form is filled."""
        import canary_journeys
        from canary_machine import browser
        from canary_walk import Walker

        canary_journeys.walk(people)
        self.sealed.note()
        everybody = {**people, "somebody else": Walker("somebody else", browser(), self.record)}
        # Twice: what the first look led to is looked at by everybody as well.
        for _ in range(2):
            for walker in everybody.values():
                self._wake(walker)
                walker.look_at(self._addresses())
        for name, walker in people.items():
            if name not in ONLY_LOOK and not self.short:
                self._wake(walker)
                is_own = self._own_pages(name)
                walker.crawl([a for a in self._addresses() if is_own(a)], 250, is_own)

    @staticmethod
    def _own_pages(name: str) -> Callable[[str], bool]:
        """Give what tells the pages that are a person's to walk; public ones are the visitor's."""
        from canary_walk import route_of
        from portal_routes import matrix

        groups = {
            "anonymous": {"anyone"},
            "family": {"family"},
            "clinician outside": {"referrer"},
        }.get(name, {"staff", "account", MORE_STAFF.get(name, name)})

        def is_own(address: str) -> bool:
            route = route_of(address)
            referral = name == "clinician outside" and route.startswith("referral_")
            return referral or bool(groups & {*matrix().get(route, "").split(", ")})

        return is_own

    def _addresses(self) -> list[str]:
        """Give what to open: of pages that differ by an id alone, a few."""
        from canary_walk import route_of
        from portal_routes import matrix, routes

        known = [a for route in routes() for a in route.addresses]
        known = [a for a in known if "sample" not in a and "0000-4000" not in a]
        taken, found = Counter[tuple[str, str]](), list[str]()
        for address in dict.fromkeys([*self.record.places, *known]):
            route, language = route_of(address), address.split("/")[1]
            taken[route, language] += 1
            most = ADDRESSES_OF_A_ROUTE[self.short] if matrix().get(route) != "anyone" else 1
            if taken[route, language] <= most and not (language == "es" and self.short):
                found.append(address)
        return found

    # --- the figures -----------------------------------------------------------------------------

    def _search(self) -> Any:
        from canary_search import Search

        logs = {**self.logs, "in process": self.log.getvalue()}
        search = Search(self.folder, self.record, logs, self.codes, self.sealed)
        search.run()
        return search

    def _tell(self, search: Any, listed: Any) -> None:
        from django.db import connection

        from canary_journeys import NOT_TYPED

        record = self.record
        seen = listed.seen(record)
        boxes = {(b.route, b.name) for b in record.canaries.of.values()}
        print(f"database        {connection.vendor}")
        print(f"words typed     {len(record.canaries.of)}, into {len(boxes)} boxes")
        print(
            f"answers         {sum(record.statuses.values())}, {record.posted} of them to forms of "
            f"{len(record.sent_to)} routes; by status {dict(sorted(record.statuses.items()))}"
        )
        columns = self.sealed.columns
        typed = sum(map(bool, columns.values()))
        print(
            f"sealed columns  {len(columns)}: {typed} hold a word, {len(NOT_TYPED)} are searched "
            "by what they hold"
        )
        print(f"mails           {search.mails}")
        print("searched, and found:")
        for place, size in search.searched.items():
            print(f"  {place:16} {size:13,} bytes  {search.hits[place]:5} found")
        print(
            f"screens         {len({r for r, _, _ in seen})} show words of others; "
            f"{len(seen & listed.allowed)} of {len(listed.allowed)} listed ways to see them, "
            f"{len(seen - listed.allowed)} not listed"
        )
        for line in () if self.short else listed.unseen(record):
            print(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
