"""The commands of `hematon portal` that keep a portal alive: copies, keys, what is let go."""

from __future__ import annotations

import os
from pathlib import Path

import click


def set_up() -> None:
    """Set Django up; not before a command runs, so that help needs no portal."""
    from django.core.exceptions import ImproperlyConfigured

    from hematon.portal.serve import prepare

    directory, demo = click.get_current_context().obj
    if not directory.is_dir():
        raise click.UsageError(f"{directory} is not a folder; name the portal's with --dir.")
    os.environ.pop("HEMATON_DEMO", None)
    try:
        prepare(directory, demo=demo)
    except ImproperlyConfigured as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.option(
    "--retire", is_flag=True, help="Take the old key away, once nothing is sealed with it."
)
def rotate_keys(retire: bool) -> None:
    """Seal everything with a new key while the portal runs; may be stopped and started again.

    Run it, copy the new key ring to its safe place, and 10 minutes later run it with --retire.
    Backups made before then open only with the ring of their time: keep it as long as them.
    """
    set_up()
    from hematon.portal.operations import rotation

    if not retire:
        rotation.begin()
    done = rotation.reseal()
    for label, number in sorted(done.resealed.items()):
        click.echo(f"sealed anew  {number:7d}  {label}")
    for place in done.broken:
        click.echo(f"wrong: {place} does not open; its key is kept", err=True)
    for name, columns in sorted(rotation.uses().items()):
        click.echo(f"key {name} seals {sum(columns.values())} values")
    if done.broken:
        raise SystemExit(1)
    if retire:
        try:
            retired = rotation.retire()
        except rotation.NotYetError as error:
            raise click.ClickException(str(error)) from error
        for name in retired:
            click.echo(f"key {name} taken away; no value uses it")
        if not retired:
            click.echo("the ring has one key; there is nothing to take away")
    else:
        click.echo("Copy the key ring to its safe place; in 10 minutes: rotate-keys --retire")


@click.command()
@click.option("--forget-old", is_flag=True, help="Stop accepting what the old secret signed.")
def new_secret_key(forget_old: bool) -> None:
    """Draw a new secret key; the old one still opens sessions and links until --forget-old.

    Restart the portal after either step.
    """
    import secrets

    set_up()
    from django.conf import settings

    from hematon.portal.demo import write_private

    now = Path(settings.SECRET_KEY_FILE)
    old = now.with_name(now.name + ".old")
    if forget_old:
        if not old.exists():
            raise click.ClickException(f"there is no {old}; nothing is to be forgotten.")
        old.unlink()
        click.echo("the old secret is forgotten; restart the portal")
        return
    if old.exists():
        raise click.ClickException(f"{old} exists: finish the last change with --forget-old.")
    beside = now.with_name(now.name + ".new")
    beside.unlink(missing_ok=True)
    write_private(beside, secrets.token_urlsafe(48))
    # Whenever this stops, a secret stands in its place.
    os.link(now, old)
    beside.replace(now)
    click.echo("new secret written; restart the portal, and after 24 hours: --forget-old")


COMMANDS = (rotate_keys, new_secret_key)
