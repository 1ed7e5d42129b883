"""Sort DuckDB's errors by what they stop."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from seamline.core.errors import DestinationBusy, DestinationDown, TableStopped

BREAKING = (duckdb.FatalException, duckdb.InternalException, duckdb.IOException)
"""After these a connection is not to be trusted."""


@contextmanager
def as_trouble() -> Iterator[None]:
    """Sort DuckDB's errors into those of one table and those of the whole file."""
    try:
        yield
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise DestinationBusy(_first_line(error)) from error
        raise DestinationDown(str(error)) from error
    except (*BREAKING, duckdb.OutOfMemoryException) as error:
        raise DestinationDown(str(error)) from error
    except duckdb.Error as error:
        raise TableStopped(str(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
