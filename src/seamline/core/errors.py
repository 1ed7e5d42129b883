"""The two families of failure.

``Refused`` is the caller's to mend and changes nothing. ``Trouble`` is ours or the
destination's: what was acknowledged stays queued.
"""


class SeamlineError(Exception):
    """Base of everything Seamline raises on purpose."""


class Refused(SeamlineError):  # noqa: N818 - reads as the sentence it is
    """The caller asked for something that cannot be done; the text says what and the way out."""


class NotFound(Refused):
    """The thing named does not exist."""


class Trouble(SeamlineError):  # noqa: N818
    """Something of ours failed; nothing acknowledged is lost."""


class QueueFull(Trouble):
    """The queue reached ``queue_max_bytes``; the gate answers 503 until the loader catches up."""


class Damaged(Trouble):
    """A stored batch is not what was stored; the queue can set it aside."""

    def __init__(self, text: str, position: int, receipt: str, records: int, at: float) -> None:
        """``at`` is when the batch was accepted, in seconds since the epoch."""
        super().__init__(text)
        self.position = position
        self.receipt = receipt
        self.records = records
        self.at = at


class TableStopped(Trouble):
    """One table cannot load (loading.md §8.3). Its queue is kept and retried; others go on."""


class DestinationBusy(Trouble):
    """The destination is held by someone else for now; loads wait and nothing fails."""


class DestinationDown(Trouble):
    """The destination cannot be used; all its tables wait and are retried."""
