"""Starting the portal on this machine: folder, secret, database, demonstration, server."""

from __future__ import annotations

import gc
import os
import secrets
import subprocess
import sys
from pathlib import Path


def prepare(directory: Path, *, demo: bool) -> None:
    """Make the folder ready and set Django up.

    Args:
        directory: where the database, the secret and the files are kept.
        demo: whether this is a demonstration: a secret is made when there is none.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["HEMATON_PORTAL_DIR"] = str(directory.resolve())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hematon.portal.settings")
    if demo:
        from hematon.portal.demo import write_private

        os.environ["HEMATON_DEMO"] = "1"
        secret = directory / "secret-key"
        if not secret.exists():
            write_private(secret, secrets.token_urlsafe(48))
        from hematon.portal.vault.keys import new_keyring, write_keyring

        keys = directory / "keyring.json"
        if not keys.exists():
            write_keyring(keys, new_keyring())
    import django

    django.setup()


def migrate() -> None:
    """Bring the database and the static files up to date."""
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def serve(directory: Path, host: str, port: int, workers: int) -> None:
    """Serve the demonstration until stopped.

    Args:
        directory: as in `prepare`.
        host: address to listen on.
        port: port to listen on.
        workers: number of processes.
    """
    # The command line turns the collector off; a server lives long.
    gc.enable()
    os.environ.setdefault("HEMATON_SITE_URL", f"http://localhost:{port}")
    prepare(directory, demo=True)
    migrate()
    from hematon.portal.demo import load_demonstration

    account = load_demonstration(directory)
    print(f"The portal is at http://localhost:{port}/ (a demonstration, in {directory}).")
    print(f"Staff sign in at http://localhost:{port}/staff/ as in {account}. Stop with Ctrl-C.")
    from django.conf import settings

    if not os.environ.get("HEMATON_EMAIL_URL"):
        print(f"Mail is not sent: it lies in {settings.EMAIL_FILE_PATH}, one file each.")
    sys.stdout.flush()

    from gunicorn.app.base import BaseApplication

    from hematon.portal.ui.logs import quiet_server
    from hematon.portal.wsgi import application

    # What is loaded by now stays: the collector need not walk it, nor workers copy it.
    gc.collect()
    gc.freeze()

    class Application(BaseApplication):
        """gunicorn with settings from here instead of a command line."""

        def load_config(self) -> None:
            settings = {
                "bind": f"{host}:{port}",
                "workers": workers,
                "worker_class": "gthread",
                "threads": 4,
                "accesslog": None,
                "loglevel": "warning",
                "preload_app": True,
                "control_socket_disable": True,
                "on_starting": quiet_server,
            }
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> object:
            return application

    master = os.getpid()
    worker = _start_worker(directory)
    try:
        Application().run()
    finally:
        # gunicorn's own processes leave through here as well, and must not end it.
        if os.getpid() == master:
            worker.terminate()
            try:
                worker.wait(timeout=60)
            except subprocess.TimeoutExpired:
                # Nothing is lost: what it holds lapses.
                worker.kill()


def _start_worker(directory: Path) -> subprocess.Popen[bytes]:
    """Start what sends mail and deletes what is over, as a process beside the server."""
    program = [sys.executable, "-c", "from hematon.cli import main; main()", "portal"]
    options = ["--dir", str(directory), "--demo", "work", "--parent", str(os.getpid())]
    return subprocess.Popen([*program, *options])  # noqa: S603 this program again
