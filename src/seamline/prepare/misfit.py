"""Read the records that are valid but not plain, one by one.

Here are the cases columns cannot tell apart: fields no schema declares, values typed by themselves,
integers beyond 64 bits, exact decimals, unusual date-times, names that collide, objects and arrays
without a declared inside.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import msgspec

from seamline.core.shape import Object, Scalar
from seamline.core.timestamp import parse
from seamline.core.types import INT64_MAX, INT64_MIN, Type, type_of_value
from seamline.destinations.base import Capabilities
from seamline.prepare.nest import Nester, Row
from seamline.prepare.rejected import RejectRecord
from seamline.prepare.spelling import Speller


class _Message(msgspec.Struct):
    sequence: int
    data: msgspec.Raw
    time_extracted: str | None = None


@dataclass(frozen=True, slots=True)
class MisfitRow:
    """One row of one table: one value per (canonical column, type)."""

    table: str
    levels: tuple[int, ...]
    values: dict[tuple[str, Type], Any]
    wanted: bool


@dataclass(frozen=True, slots=True)
class Misfit:
    """A misfit as read; the first of its rows is the root's."""

    sequence: int
    extracted: datetime | None
    rows: tuple[MisfitRow, ...]
    losses: tuple[tuple[str, str], ...]
    """(canonical column, reason) of fields that were left out."""
    lost_tables: tuple[tuple[str, str], ...]
    """(canonical subtable, reason) of arrays that were left out."""


decode_message = msgspec.json.Decoder(_Message).decode
_decode_data = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
_encode_json = msgspec.json.Encoder(decimal_format="number").encode
_MAX_DECIMAL_DIGITS = 200


class MisfitReader:
    """Reads misfits for one destination."""

    def __init__(
        self, capabilities: Capabilities, speller: Speller, nester: Nester, max_bytes: int
    ) -> None:
        self._capabilities = capabilities
        self._max_bytes = max_bytes
        self._speller = speller
        self._nester = nester
        self._name = capabilities.naming.display_name

    def read(
        self,
        message: _Message,
        declared: Object,
        keys: tuple[str, ...],
        key_types: Mapping[str, Type],
    ) -> Misfit:
        """Read one upsert message; raise ``RejectRecord`` with the reason if it cannot load.

        ``declared`` is what the request's schema says, ``key_types`` maps the canonical keys to the
        type they have in the table. Checks run in the order of loading.md §8.1.
        """
        size = len(message.data)
        if size > self._max_bytes:
            raise RejectRecord(f"Record size ({size} bytes) exceeds the maximum")
        data = _decode_data(message.data)
        rows, lost_tables = self._nester.rows(data, declared)
        self._check_keys(data, declared, keys, key_types)
        losses = {
            cell.name.canonical or cell.name.raw: cell.name.loss
            for row in rows
            for cell in row.cells
            if cell.name.loss
        }
        read = tuple(
            MisfitRow(row.table, row.levels, dict(self._values(row)), row.wanted) for row in rows
        )
        extracted = self._extracted(message)
        return Misfit(message.sequence, extracted, read, tuple(losses.items()), tuple(lost_tables))

    def _values(self, row: Row) -> Iterator[tuple[tuple[str, Type], Any]]:
        for cell in row.cells:
            typed = None if cell.name.loss else self._typed(cell.value, cell.declared)
            if typed is not None:
                yield (cell.name.canonical, typed[0]), typed[1]

    def key_type(self, value: Any, declared: Type | None) -> Type | None:
        """Return the type a key value has, without checking its range."""
        kind = type_of_value(value)
        return declared if declared is not None and _suits(kind, declared) else kind

    def _check_keys(
        self,
        data: dict[str, Any],
        declared: Object,
        keys: tuple[str, ...],
        key_types: Mapping[str, Type],
    ) -> None:
        for key in keys:
            value = data.get(key)
            if value is None or isinstance(value, dict | list):
                raise RejectRecord(f"Record is missing key property {key}")
            most = self._capabilities.max_key_length
            if most is not None and isinstance(value, str) and len(value) > most // len(keys):
                raise RejectRecord(
                    f"Primary Key {key} is longer than {most // len(keys)} characters"
                )
        for key in keys:
            wanted = key_types.get(self._speller.spell(key).canonical)
            shape = declared.fields.get(key)
            said = shape.type if isinstance(shape, Scalar) else None
            if wanted and self.key_type(data[key], said) is not wanted:
                raise RejectRecord(
                    "Incoming Primary Key type does not match Primary Key type in existing table"
                )

    def _typed(self, value: Any, declared: Type | None) -> tuple[Type, Any] | None:
        kind = type_of_value(value)
        if kind is None:
            return None
        if declared is not None and _suits(kind, declared):
            kind = declared
        return kind, self._converted(value, kind)

    def _converted(self, value: Any, kind: Type) -> Any:
        match kind:
            case Type.INTEGER:
                if not INT64_MIN <= value <= INT64_MAX:
                    raise RejectRecord(f"integer out of range for {self._name} on {value}")
                return value
            case Type.DOUBLE:
                return self._double(value)
            case Type.DECIMAL:
                return self._decimal(Decimal(value))
            case Type.TIMESTAMP:
                return self._timestamp(value)
            case Type.JSON:
                return self._json(value)
            case _:
                return value

    def _json(self, value: Any) -> str:
        most = self._capabilities.max_json_depth
        if most is not None and _is_deeper(value, most):
            raise RejectRecord(
                f"Record is nested more than {most} levels deep, which {self._name} cannot hold"
            )
        return _encode_json(value).decode()

    def _double(self, value: int | Decimal) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if number in (float("inf"), float("-inf")):
            raise RejectRecord(f"decimal out of range for {self._name} on {value}")
        return number

    def _decimal(self, value: Decimal) -> Decimal | str:
        if self._capabilities.exact_decimals:
            return self._exact(value)
        if value.adjusted() > _MAX_DECIMAL_DIGITS:
            raise RejectRecord(f"decimal out of range for {self._name} on {value}")
        with localcontext(prec=2 * _MAX_DECIMAL_DIGITS):
            step = Decimal(1).scaleb(-self._capabilities.decimal_scale)
            rounded = value.quantize(step, ROUND_HALF_EVEN)
        if abs(rounded) > self._capabilities.decimal_max:
            raise RejectRecord(f"decimal out of range for {self._name} on {value}")
        return rounded

    def _exact(self, value: Decimal) -> str:
        digits = -int(value.as_tuple().exponent)
        too_fine = digits > self._capabilities.decimal_scale
        if too_fine or abs(value) > self._capabilities.decimal_max:
            raise RejectRecord(f"decimal out of range for {self._name} on {value}")
        return str(value)

    def _timestamp(self, text: str) -> datetime:
        try:
            return parse(text).replace(tzinfo=None)
        except (ValueError, OverflowError):
            raise RejectRecord(f"timestamp out of range for {self._name} on {text}") from None

    def _extracted(self, message: _Message) -> datetime | None:
        return None if message.time_extracted is None else self._timestamp(message.time_extracted)


def _is_deeper(value: Any, levels: int) -> bool:
    """Say whether objects and arrays are nested in more levels."""
    nested = [value]
    for _ in range(levels):
        inside = (v.values() if isinstance(v, dict) else v for v in nested)
        nested = [v for values in inside for v in values if isinstance(v, dict | list)]
    return bool(nested)


def _suits(kind: Type | None, declared: Type) -> bool:
    """Say whether a JSON value of this kind is stored as the declared type."""
    return kind in {
        Type.DOUBLE: (Type.INTEGER, Type.DOUBLE),
        Type.DECIMAL: (Type.INTEGER, Type.DOUBLE),
        Type.TIMESTAMP: (Type.STRING,),
    }.get(declared, (declared,))
