"""Collect the portal's texts for translation and compile the translations.

    make messages                               rewrite each app's locale/es
    python tools/portal_messages.py --check     say what is missing or out of date; exit 1 if any

Needs GNU gettext (Debian package gettext). The compiled files are kept, so that running the portal
does not.
"""

from __future__ import annotations

import ast
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PORTAL = Path(__file__).parents[1] / "src" / "hematon" / "portal"
OPTIONS = [
    "-l",
    "es",
    "--no-location",
    "--no-obsolete",
    "--no-wrap",
    "-e",
    "py,html,txt",
    "-v",
    "0",
]
MARKS = ("_", "gettext", "ngettext", "pgettext")
HEAD = """msgid ""
msgstr ""
"Project-Id-Version: hematon\\n"
"Language: es\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=n != 1;\\n"

"""


def apps(portal: Path) -> list[Path]:
    """Give the apps that have texts of their own."""
    return sorted(place.parent for place in portal.glob("*/locale"))


def collect(portal: Path) -> None:
    """Rewrite the messages of every app and compile them."""
    for app in apps(portal):
        run = [sys.executable, "-m", "django", "makemessages", *OPTIONS]
        subprocess.run(run, cwd=app, check=True, stdout=subprocess.DEVNULL)
        file = app / "locale" / "es" / "LC_MESSAGES" / "django.po"
        if file.exists():
            # A head of our own: the collector's holds the date, so that every run would differ.
            _, _, entries = file.read_text(encoding="utf-8").partition("\n\n")
            file.write_text(HEAD + entries, encoding="utf-8")
            subprocess.run(["msgfmt", "-o", file.with_suffix(".mo"), file], check=True)


def incomplete(file: Path) -> str:
    """Say what msgfmt counts as untranslated or fuzzy; empty when nothing."""
    done = subprocess.run(
        ["msgfmt", "--statistics", "--check-format", "-o", os.devnull, file],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    if done.returncode or "untranslated" in done.stderr or "fuzzy" in done.stderr:
        return done.stderr.strip()
    return ""


def unseen(portal: Path) -> list[str]:
    """Name each text inside an f-string: the collector does not look there."""
    found = set()
    for file in portal.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for call in ast.walk(node) if isinstance(node, ast.JoinedStr) else ():
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") in MARKS:
                    place = f"{file.relative_to(portal)}:{call.lineno}"
                    found.add(f"{place}: take the text out of the f-string")
    return sorted(found)


def main() -> int:
    """Run as asked."""
    hidden = unseen(PORTAL)
    print(*hidden, sep="\n", end="\n" if hidden else "")
    if "--check" not in sys.argv:
        collect(PORTAL)
        return bool(hidden)
    if not shutil.which("msgfmt"):
        print("Translations were not checked: GNU gettext is not installed.")
        return bool(hidden)
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "portal"
        shutil.copytree(PORTAL, copy)
        collect(copy)
        for app in apps(copy):
            for name in ("django.po", "django.mo"):
                place = Path(app.name) / "locale" / "es" / "LC_MESSAGES" / name
                if not (copy / place).exists():
                    continue
                if not (PORTAL / place).exists() or not filecmp.cmp(
                    copy / place, PORTAL / place, shallow=False
                ):
                    wrong.append(f"{place} is out of date: make messages")
                if name == "django.po" and (said := incomplete(copy / place)):
                    wrong.append(f"{place}: {said}")
    print("\n".join(wrong) or ("" if hidden else "Every text has its Spanish."))
    return bool(wrong or hidden)


if __name__ == "__main__":
    sys.exit(main())
