"""How each command of `hematon portal` is called; shown at the end of its help."""

from __future__ import annotations

from typing import Final

import click

EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "make-keys": ("--dir /srv/portal make-keys",),
    "check": ("--dir /srv/portal check",),
    "create-staff": (
        "create-staff ana@hospital.example --role clinician",
        "create-staff ben@hospital.example --name 'Sample nurse B' --role intake --role scheduler",
    ),
    "set-roles": ("set-roles ana@hospital.example --role clinician --role intake",),
    "forget-second-factor": ("forget-second-factor ana@hospital.example",),
    "verify-audit": ("verify-audit", "verify-audit --checkpoint"),
    "work": ("work", "work --once"),
    "purge": ("purge --dry-run", "purge", "purge --rewrite"),
    "hold": ("hold care.case:3f0c0a9e-0000-4000-8000-000000000000 'Sample reason: inquiry 12'",),
    "backup": (
        "backup /backups --keep 14",
        "backup /backups --with-keys /safe/keyring.json",
    ),
    "restore": (
        "restore /backups/2026-11-23T02-00-00Z --into /srv/new --keys /safe/keyring.json",
        "restore /backups/2026-11-23T02-00-00Z --into /srv/new --keys /safe/keyring.json "
        "--checkpoints /mnt/audit",
    ),
    "drill": ("drill",),
    "rotate-keys": ("rotate-keys", "rotate-keys --retire"),
    "new-secret-key": ("new-secret-key", "new-secret-key --forget-old"),
    "advisories": ("advisories report.json --database-date 2026-11-20",),
}


def show(group: click.Group) -> None:
    """Put each example at the end of its command's help, and one of each at the group's.

    Raises:
        KeyError: a command has no example.
    """
    shown = {name: command for name, command in group.commands.items() if not command.hidden}
    for name, command in shown.items():
        command.epilog = _written(EXAMPLES[name])
    group.epilog = _written(tuple(EXAMPLES[name][0] for name in EXAMPLES if name in shown))


def _written(lines: tuple[str, ...]) -> str:
    # \b keeps the lines as they are.
    return "\b\nExamples:\n" + "\n".join(f"  hematon portal {line}" for line in lines)
