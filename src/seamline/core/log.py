"""The logger of all processes; the only place that imports structlog's package."""

import sys
from types import ModuleType

# structlog loads what it finds of these: rich for tracebacks that we print plainly, greenlet for a
# context we do not use, asyncio for methods that nobody calls. Without them a process is 11 MB
# smaller.
_hidden = {"rich": None, "greenlet": None, "asyncio": ModuleType("asyncio")}
_hidden = {name: stand_in for name, stand_in in _hidden.items() if name not in sys.modules}
sys.modules.update(_hidden)  # type: ignore[arg-type]
import structlog  # noqa: E402

for _name in _hidden:
    del sys.modules[_name]

__all__ = ["logger", "structlog"]


def logger() -> structlog.stdlib.BoundLogger:
    """Return a logger that writes as ``cli/logs.py`` sets it up."""
    log: structlog.stdlib.BoundLogger = structlog.get_logger()
    return log
