"""How a command ends: failures become words and exit codes."""

import os
import sys
from collections.abc import Callable

from seamline.core.errors import Refused, SeamlineError


def ended(run: Callable[[], object]) -> None:
    """Run a command; exit with 0, 1 (it failed) or 2 (it was asked wrongly).

    Files it makes are their owner's only.
    """
    os.umask(0o077)
    try:
        run()
    except Refused as error:
        sys.exit(_said(error, 2))
    except SeamlineError as error:
        sys.exit(_said(error, 1))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); let nothing be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _said(error: Exception, code: int) -> int:
    print(f"seamline: {error}", file=sys.stderr)
    return code
