"""``seamline serve``: everything, on one machine."""

import json
import os
import sys

from seamline.catalog import accounts
from seamline.cli.options import SettingFlags, configured
from seamline.cli.roles import WORDS
from seamline.home import prepare_home
from seamline.server import environment_of


def serve(*, flags: SettingFlags = SettingFlags()) -> None:  # type: ignore[valid-type]  # noqa: B008
    """Run the server: a gate that takes records and a loader that brings them to the warehouse.

    An empty data directory becomes a ready Seamline with an account and the destination
    DATA_DIR/warehouse.duckdb. SIGTERM and Ctrl-C stop it cleanly; what was acknowledged and not
    yet loaded is loaded after the next start.
    """
    settings = configured(flags).settings
    catalog = prepare_home(settings)
    client = accounts.client_id(catalog)
    setup = accounts.new_setup_secret(catalog)
    catalog.close()
    folder = settings.data_dir.replace("{", "{{").replace("}", "}}")
    words = [f"Seamline is ready at {{url}} (client id {client}, data in {folder})"]
    if setup:
        words.append(f"Set the admin password, once: {{url}}/setup/{setup}")
    _become_supervisor(environment_of(settings), words)


def _become_supervisor(settings: dict[str, str], words: list[str]) -> None:
    """Go on as a program that is a third as large: it has no command line and no catalog."""
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as pipe:
        json.dump(words, pipe)
    os.set_inheritable(reading, True)
    environment = {**os.environ, **settings, WORDS: str(reading)}
    command = [sys.executable, "-m", "seamline.cli.child", "supervisor"]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own program
