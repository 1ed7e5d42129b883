"""How facts are printed: JSON for programs, tables for people."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, time
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text


def console() -> Console:
    """Return the console for people; wide enough not to cut when there is no terminal."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=200)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(value, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str = "") -> None:
    """Print rows under headings; numbers to the right; ``empty`` instead of no rows."""
    kept = [list(row) for row in rows]
    if not kept and empty:
        console().print(empty)
    else:
        console().print(table_of(columns, kept))


def table_of(columns: Sequence[str], kept: Sequence[Sequence[Any]]) -> Table:
    """Return rows under headings; numbers to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(kept) and all(
            isinstance(row[index], int | float) and not isinstance(row[index], bool)
            for row in kept
            if row[index] is not None
        )
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in kept:
        table.add_row(*(Text(shown(value)) for value in row))
    return table


def shown(value: Any) -> str:
    """Write a value the way people read it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def moment(text: str | None) -> str | None:
    """Shorten an ISO time to seconds."""
    return text and text[:19].replace("T", " ")


def bytes_text(size: float) -> str:
    """Write a size with its unit.

    >>> bytes_text(1536)
    '1.5 KiB'
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")


def progress(*, quiet: bool) -> Progress:
    """Return a bar for long work; it shows on terminals only."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        disable=quiet or not console().is_terminal,
    )
