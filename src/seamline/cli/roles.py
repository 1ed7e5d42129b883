"""What the processes of a server do; each imports only what it needs."""

import json
import os

from seamline.config.settings import Settings

WORDS = "SEAMLINE_WORDS_PIPE"
"""Environment variable with the file descriptor of a JSON list of lines; ``{url}`` is filled in.

They hold the one-time link, which does not belong into an environment.
"""


def supervisor(settings: Settings) -> None:
    """Keep gate and loader running; what to say when they are is in the pipe of ``WORDS``."""
    from seamline.server import Supervisor

    with open(int(os.environ.pop(WORDS)), encoding="utf-8") as pipe:
        words: list[str] = json.load(pipe)
    server = Supervisor(settings, lambda role, code: _log_death(settings, role, code))

    def ready() -> None:
        for line in words:
            print(line.format(url=server.url), flush=True)

    server.run(ready)


def gate(settings: Settings) -> None:
    """Serve HTTP until told to stop."""
    from seamline.cli.logs import set_up_logs
    from seamline.gate.server import run_gate
    from seamline.server import watch_parent
    from seamline.web.site import site

    set_up_logs("gate", settings)
    watch_parent()
    run_gate(settings, site(settings))


def loader(settings: Settings) -> None:
    """Load until told to stop."""
    from seamline.cli.logs import set_up_logs
    from seamline.load.server import run_loader
    from seamline.server import watch_parent

    set_up_logs("loader", settings)
    watch_parent()
    run_loader(settings)


def _log_death(settings: Settings, role: str, exit_code: int) -> None:
    """Log that a process died; only a supervisor that has something to log can log."""
    from seamline.cli.logs import set_up_logs
    from seamline.core.log import logger

    set_up_logs("supervisor", settings)
    logger().warning("a process died; starting it again", process=role, exit_code=exit_code)


RUN = {"supervisor": supervisor, "gate": gate, "loader": loader}
