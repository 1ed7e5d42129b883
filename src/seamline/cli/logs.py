"""Log lines of the server processes: time, level, process, text, on standard error."""

import logging
import sys


def set_up_logs(role: str, level: str) -> None:
    """Send this process's log to standard error."""
    logging.basicConfig(
        stream=sys.stderr,
        level=level.upper(),
        format=f"%(asctime)s %(levelname)s {role} %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S%z",
        force=True,
    )
