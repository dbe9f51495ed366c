"""`hematon portal ...`: what the people who run a portal do at the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hematon.portal import examples
from hematon.portal.operate import COMMANDS
from hematon.portal.operate import set_up as _set_up

if TYPE_CHECKING:
    from hematon.portal.accounts.models import User

ROLES = (
    "intake",
    "clinician",
    "scheduler",
    "editor",
    "moderator",
    "administrator",
    "privacy",
)
"""Of `accounts.models.Role`, which cannot be imported before Django is set up."""

_ROLE = click.option(
    "--role", "roles", multiple=True, type=click.Choice(ROLES), help="May be given several times."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="HEMATON_PORTAL_DIR",
    default="portal-demo",
    show_default=True,
    help="Folder of the portal.",
)
@click.option(
    "--demo", is_flag=True, envvar="HEMATON_DEMO", help="The folder is that of `hematon serve`."
)
@click.pass_context
def portal(context: click.Context, directory: Path, demo: bool) -> None:
    """Run a portal: staff accounts and checks. `hematon serve` starts the demonstration.

    Settings come from the environment; hematon/portal/settings.py lists them.
    """
    context.obj = (directory, demo)


@portal.command()
@click.argument("email")
@click.option("--name", default="", help="How pages call the person.")
@_ROLE
def create_staff(email: str, name: str, roles: tuple[str, ...]) -> None:
    """Make a staff account and print its first password, once.

    The person signs in with it, sets up a second factor, and changes it.
    """
    _set_up()
    from django.core.exceptions import ValidationError

    from hematon.portal.accounts import actions
    from hematon.portal.accounts.models import Role

    try:
        user, password = actions.create_staff(
            email=email, name=name, roles=map(Role, roles), by=None
        )
    except ValidationError as error:
        raise click.ClickException(" ".join(error.messages)) from error
    click.echo(f"account   {user.email}\npassword  {password}")
    click.echo(f"roles     {', '.join(roles) or 'none yet: hematon portal set-roles'}")


@portal.command()
@click.argument("email")
@_ROLE
def set_roles(email: str, roles: tuple[str, ...]) -> None:
    """Let an account hold these roles and no others; without --role it may open nothing."""
    _set_up()
    from hematon.portal.accounts import actions
    from hematon.portal.accounts.models import Role

    actions.set_roles(user=_staff(email), roles=map(Role, roles), by=None)
    click.echo(f"roles of {email}: {', '.join(roles) or 'none'}")


@portal.command()
@click.argument("email")
def forget_second_factor(email: str) -> None:
    """Drop the authenticators of a person who lost them; check first who is asking."""
    _set_up()
    from hematon.portal.accounts import actions

    dropped = actions.forget_second_factor(user=_staff(email), by=None)
    click.echo(f"{dropped} dropped; {email} sets up a second factor at the next sign-in")


@portal.command()
def make_keys() -> None:
    """Write a new key ring for a portal that has none yet.

    Keep a copy apart from every backup of the data: without it nothing can be opened.
    """
    _set_up()
    from django.conf import settings

    from hematon.portal.vault.keys import new_keyring, write_keyring

    file = Path(settings.KEYRING_FILE)
    if file.exists():
        raise click.ClickException(f"{file} exists; what it sealed would be lost.")
    write_keyring(file, new_keyring())
    click.echo(f"keys      {file}\nKeep a copy of it apart from the backups of the data.")


@portal.command()
def check() -> None:
    """Check settings, facts, database and migrations; exit code 1 when something is wrong."""
    _set_up()
    from hematon.portal.check import problems

    found = problems()
    for problem in found:
        click.echo(f"wrong: {problem}", err=True)
    if found:
        raise SystemExit(1)
    click.echo("no problem found")


@portal.command()
@click.option("--checkpoint", is_flag=True, help="If all is well, sign how far the audit reaches.")
def verify_audit(checkpoint: bool) -> None:
    """Read the whole audit; exit code 1 when a row was changed, added, moved or taken away.

    Names the first bad row. Writes nothing unless --checkpoint is given: then a signed line in
    HEMATON_AUDIT_CHECKPOINTS, and a row of the audit that says so.
    """
    _set_up()
    from django.utils import timezone

    from hematon.portal.audit.verify import verify, verify_and_note

    verdict = verify_and_note(by=None, at=timezone.now(), sign=True) if checkpoint else verify()
    if verdict.bad is not None:
        click.echo(f"broken    {verdict.bad}", err=True)
        click.echo(f"whole     up to row {verdict.rows}", err=True)
        raise SystemExit(1)
    click.echo(f"whole     up to row {verdict.rows}")
    if verdict.checkpoint is None:
        click.echo("unknown   whether later rows were cut off: there is no checkpoint yet")
    else:
        signed = verdict.checkpoint
        click.echo(f"signed    row {signed.sequence} at {signed.at:%Y-%m-%d %H:%M} UTC")


@portal.command()
@click.option("--once", is_flag=True, help="Run what is due and end; exit code 1 if a job failed.")
@click.option("--parent", type=int, hidden=True, help="End when this process is gone.")
def work(once: bool, parent: int | None) -> None:
    """Do what a portal does by itself: send mail, delete what is over, publish ratings.

    Runs until it is stopped, and ends between two jobs. Several may run at once.
    """
    import gc

    # The command line turns the collector off; a worker lives long.
    gc.enable()
    _set_up()
    from hematon.portal.operations.worker import work as run

    failed = run(once=once, parent=parent)
    if failed:
        raise click.ClickException(f"failed: {', '.join(failed)}")


for _command in COMMANDS:
    portal.add_command(_command)
examples.show(portal)


def _staff(email: str) -> User:
    from hematon.portal.accounts.models import User

    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise click.ClickException(f"there is no account with the address {email}")
    return user
