"""Run a command of ours in a process of its own.

What a command needs (drivers, the warehouse's engine) stays out of the gate.
"""

import os
import subprocess
import sys

from seamline.core.errors import Refused, Trouble
from seamline.web.visit import Visit

_SECONDS = 60
_REFUSED = 2


def run_command(visit: Visit, *words: str, codes: tuple[int, ...] = (0,)) -> str:
    """Return what the command prints; raise ``Refused`` or ``Trouble`` with its words."""
    command = [sys.executable, "-m", "seamline", *words]
    command += ["--json", "--data-dir", visit.settings.data_dir]
    environment = {k: v for k, v in os.environ.items() if k != "SEAMLINE_PARENT_PIPE"}
    try:
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise Trouble(f"it did not end within {_SECONDS} seconds.") from error
    if done.returncode in codes:
        return done.stdout
    text = done.stderr.strip().removeprefix("seamline: ") or "it failed without a word."
    raise (Refused if done.returncode == _REFUSED else Trouble)(text)
