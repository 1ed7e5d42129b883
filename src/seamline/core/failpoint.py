"""Named steps at which tests make a process die, wait or fail.

Off unless armed: by ``SEAMLINE_FAILPOINTS``, or by :func:`arm` within a test. An armed step is
``name=action`` or ``name=action@n`` for the n-th time only; several are joined by semicolons.
Actions: ``crash`` (as SIGKILL does), ``error`` (an I/O error, once with ``@n``), ``full`` (the disk
is full), ``stall:SECONDS`` and ``torn`` (only half of what is written arrives; see :func:`torn`).
``docs/explain/durability.md`` tells what is tested with them.
"""

import errno
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

VARIABLE = "SEAMLINE_FAILPOINTS"

STEPS: Mapping[str, str] = {
    "gate.checked": "a request is valid, nothing of it is stored",
    "gate.stored": "it is durable, the answer is not sent",
    "queue.append": "in the queue's transaction, before the commit",
    "queue.appended": "after the commit",
    "queue.sealed": "a segment takes nothing more, its successor is not made",
    "queue.draft": "the successor is complete but has not its name",
    "queue.created": "it has its name, the folder is not synced",
    "queue.commit": "before a stream's cursor moves",
    "queue.committed": "after it moved",
    "queue.trim": "before a consumed segment is deleted",
    "queue.trimmed": "its first file is deleted, those beside it are not",
    "spool.write": "a request is written aside",
    "spool.draft": "it is written, but has not its name",
    "spool.kept": "it has its name and is durable",
    "spool.moved": "the queue has it, too; it is not removed",
    "load.begun": "a load is written down as running",
    "prepare.filled": "its records are typed columns",
    "load.changed": "the destination's tables are as they must be",
    "load.staged": "in the destination's transaction: the rows are staged",
    "load.merged": "root and subtables are written",
    "load.fenced": "the fence has moved",
    "load.intended": "the outcome is written down; only the commit is missing",
    "load.written": "the destination has committed",
    "load.finished": "the load is written down as loaded",
    "hook.called": "a hook has answered, that is not written down",
    "migration.step": "in the catalog's transaction, between two migrations",
}
"""Every step and what is true when it is reached."""

_armed: dict[str, "_Armed"] = {}
_hits: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class _Armed:
    action: str
    seconds: float
    only: int | None


def failpoint(name: str) -> None:
    """Pass a step; does nothing unless it is armed."""
    if _armed:
        _act(name)


def torn(name: str, content: bytes) -> bytes:
    """Return what arrives on the disk of ``content``: all of it, unless the step is armed so."""
    if not _armed or not _is_due(name, "torn"):
        return content
    return content[: len(content) // 2]


def arm(text: str) -> None:
    """Arm steps, and no others; an empty text disarms all. Raises ``ValueError`` for nonsense."""
    _armed.clear()
    _hits.clear()
    for part in filter(None, text.split(";")):
        name, _, rest = part.partition("=")
        action, _, number = rest.partition("@")
        action, _, seconds = action.partition(":")
        if name not in STEPS or action not in ("crash", "error", "full", "stall", "torn"):
            raise ValueError(f"{VARIABLE} holds [{part}], which is no step and action")
        _armed[name] = _Armed(action, float(seconds or 0), int(number) if number else None)


def _is_due(name: str, action: str) -> bool:
    armed = _armed.get(name)
    if armed is None or armed.action != action:
        return False
    _hits[name] += 1
    return armed.only in (None, _hits[name])


def _act(name: str) -> None:
    for action in ("crash", "error", "full", "stall"):
        if not _is_due(name, action):
            continue
        if action == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "stall":
            time.sleep(_armed[name].seconds)
        else:
            code = errno.EIO if action == "error" else errno.ENOSPC
            raise OSError(code, f"failpoint {name}: {os.strerror(code)}")


arm(os.environ.get(VARIABLE, ""))
