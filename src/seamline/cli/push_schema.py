"""Infer a JSON schema from a file before it is pushed.

The whole file is read, so that a late surprise does not split a column: a field gets a type only
if all its values have it, and ``date-time`` only if all its texts are date-times with a clock.
"""

import re
from pathlib import Path
from typing import Any

import msgspec
from rich.progress import Progress

from seamline.cli.push_source import count_bytes, is_tabular, read_records, tabular_columns
from seamline.core.errors import Refused
from seamline.core.timestamp import PLAIN_PATTERN

_DATE_TIME = re.compile(PLAIN_PATTERN)
_UPDATE_EVERY = 10_000
_TABULAR_TYPES = {
    "BOOLEAN": {"type": ["null", "boolean"]},
    "DOUBLE": {"type": ["null", "number"]},
    "FLOAT": {"type": ["null", "number"]},
    "TIMESTAMP": {"type": ["null", "string"], "format": "date-time"},
}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
             "UINTEGER", "UBIGINT")  # fmt: skip
_WORDS: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
}


def infer_schema(file: Path, progress: Progress) -> bytes:
    """Return the JSON schema of a file's records."""
    properties = _tabular(file) if is_tabular(file) else _scanned(file, progress)
    return msgspec.json.encode({"type": "object", "properties": properties})


def _tabular(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, kind in tabular_columns(file):
        if kind in _INTEGERS:
            found[name] = {"type": ["null", "integer"]}
        elif kind.startswith("DECIMAL"):
            found[name] = {"type": ["null", "number"]}
        elif kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
            found[name] = {}
        else:
            found[name] = _TABULAR_TYPES.get(kind, {"type": ["null", "string"]})
    return found


def _scanned(file: Path, progress: Progress) -> dict[str, Any]:
    task = progress.add_task("reading", total=count_bytes(file))
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    kinds: dict[str, set[str]] = {}
    for number, record in enumerate(read_records(file), start=1):
        try:
            data = decode(record.text)
        except msgspec.MsgspecError as error:
            raise Refused(f"{file}, record {number} is not a JSON object: {error}") from error
        for name, value in data.items():
            if value is not None:
                kinds.setdefault(name, set()).add(_kind(value))
        if number % _UPDATE_EVERY == 0:
            progress.update(task, completed=record.end)
    progress.remove_task(task)
    return {name: _property(found) for name, found in kinds.items()}


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "date-time" if len(value) > 15 and _DATE_TIME.fullmatch(value) else "string"
    return _WORDS[type(value)]


def _property(kinds: set[str]) -> dict[str, Any]:
    if kinds == {"date-time"}:
        return {"type": ["null", "string"], "format": "date-time"}
    if kinds == {"integer", "number"}:
        return {"type": ["null", "number"]}
    plain = {"string" if kind == "date-time" else kind for kind in kinds}
    return {"type": ["null", *plain]} if len(plain) == 1 else {}
