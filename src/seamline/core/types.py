"""The internal types a value can have (loading.md §6)."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Type(StrEnum):
    """An internal type; each destination maps it to a column type and a split suffix."""

    INTEGER = "integer"
    DOUBLE = "double"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    STRING = "string"
    TIMESTAMP = "timestamp"
    JSON = "json"


INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

_BY_PYTHON: dict[type, Type] = {
    bool: Type.BOOLEAN,
    int: Type.INTEGER,
    float: Type.DOUBLE,
    Decimal: Type.DOUBLE,  # exact digits of a JSON number with a fraction or an exponent
    str: Type.STRING,
    dict: Type.JSON,
    list: Type.JSON,
    datetime: Type.TIMESTAMP,
}


def type_of_value(value: Any) -> Type | None:
    """Type a decoded JSON value by itself, as push does (loading.md §6.1); null has no type."""
    return _BY_PYTHON.get(type(value))
