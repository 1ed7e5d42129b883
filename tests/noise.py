"""Text that does not get shorter when the queue compresses it."""

import base64
import random
from functools import cache


@cache
def noise(length: int) -> str:
    """Return so many characters; they take about three quarters of that on the disk."""
    return base64.b64encode(random.Random(length).randbytes(length)).decode()[:length]
