"""Read Transit bodies, JSON and JSON-Verbose alike (import-api.md §1.13).

Our own reader, because the libraries at hand trust their input: this one bounds depth, cache and
digits, and turns every surprise into one error. Values keep their type: instants become
``Instant``, exact decimals ``Decimal``; keywords, symbols, URIs, characters and UUIDs become text.
"""

import base64
import binascii
import math
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from seamline.core.timestamp import parse

MAX_DEPTH = 200

_CACHE_DIGITS = 44
_CACHE_SIZE = _CACHE_DIGITS**2
_MIN_CACHED = 4
_FIRST_DIGIT = ord("0")
_MAP = "^ "
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NotTransit(ValueError):  # noqa: N818 - says what the body is
    """The body is not well-formed Transit."""


class NotLoadable(ValueError):  # noqa: N818
    """A well-formed value that no table can hold, such as NaN or a map with maps as keys."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A point in time as ISO text with milliseconds, UTC."""

    text: str


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str


def read_transit(body: bytes) -> Any:
    """Decode a body; raise ``NotTransit`` or ``NotLoadable``."""
    try:
        return _Reader().value(msgspec.json.decode(body), 0)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotTransit(str(error)) from error
    except RecursionError as error:
        raise NotTransit("the JSON nests too deeply") from error


class _Reader:
    """Walks a decoded JSON document in its order, which is what the cache codes count on."""

    def __init__(self) -> None:
        self._cache: list[str] = []
        self._keys: dict[str, Any] = {}
        """The keys that codes stand for, as they are read."""

    def value(self, node: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise NotTransit(f"the body nests deeper than {MAX_DEPTH} levels")
        if isinstance(node, str):
            return _scalar(self._resolved(node, is_key=False))
        if isinstance(node, list):
            return self._array(node, depth + 1)
        if isinstance(node, dict):
            return self._verbose_map(node, depth + 1)
        return node

    def _resolved(self, text: str, *, is_key: bool) -> str:
        """Replace a cache code by its text; remember a text that can be cached."""
        if text[:1] == "^" and text != _MAP:
            code = _CODES.get(text)
            if code is None:
                raise NotTransit(f"[{text}] is not a cache code")
            if code >= len(self._cache):
                raise NotTransit(f"unknown cache code [{text}]")
            return self._cache[code]
        if len(text) >= _MIN_CACHED and (is_key or text[:2] in ("~#", "~$", "~:")):
            if len(self._cache) == _CACHE_SIZE:
                self._cache.clear()
                self._keys.clear()
            self._cache.append(text)
        return text

    def _array(self, node: list[Any], depth: int) -> Any:
        if not node:
            return []
        if node[0] == _MAP:
            if len(node) % 2 == 0:
                raise NotTransit("a map has a key without a value")
            flat = iter(node[1:])
            return self._map(zip(flat, flat, strict=True), depth)
        first = self.value(node[0], depth)
        if isinstance(first, _Tag):
            if len(node) != 2:
                raise NotTransit(f"the tag [{first.name}] has {len(node) - 1} values, not one")
            return _tagged(first.name, self.value(node[1], depth))
        return [first, *(self.value(item, depth) for item in node[1:])]

    def _map(self, parts: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        """Read keys and values; most of them are what they seem."""
        pairs = []
        for node, value in parts:
            key = self._keys.get(node) if type(node) is str else None
            if key is None:
                key = self._key(node, depth)
            kind = type(value)
            if kind in _NESTED or (kind is str and value[:1] in _MARKS):
                value = self.value(value, depth)
            pairs.append((key, value))
        return _object(pairs)

    def _verbose_map(self, node: dict[str, Any], depth: int) -> Any:
        if len(node) == 1:
            [(text, inner)] = node.items()
            if text.startswith("~#"):
                return _tagged(text[2:], self.value(inner, depth))
        return self._map(node.items(), depth)

    def _key(self, node: Any, depth: int) -> Any:
        if not isinstance(node, str):
            return self.value(node, depth)
        key = _scalar(self._resolved(node, is_key=True))
        if node[:1] == "^":
            self._keys[node] = key
        return key


def _codes() -> dict[str, int]:
    digits = [chr(_FIRST_DIGIT + digit) for digit in range(_CACHE_DIGITS)]
    short = {f"^{digit}": index for index, digit in enumerate(digits)}
    pairs = enumerate(f"^{high}{low}" for high in digits for low in digits)
    return short | {code: index for index, code in pairs}


_CODES = _codes()
_NESTED = (list, dict)
_MARKS = "~^"


def _object(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        name = key if type(key) is str else _key_text(key)
        if name in made:
            raise NotTransit(f"Duplicate key [{name}]; a key may stand once in a map")
        made[name] = value
    return made


def _key_text(key: Any) -> str:
    if isinstance(key, _Tag | dict | list | Decimal) or key is None:
        raise NotLoadable("a map has a key that is no text")
    if isinstance(key, bool):
        return "true" if key else "false"
    return key.text if isinstance(key, Instant) else str(key)


def _scalar(text: str) -> Any:
    if text[:1] != "~" or len(text) < 2:
        return text
    kind, rest = text[1], text[2:]
    if kind in "~^`":
        return text[1:]
    if kind == "#":
        return _Tag(rest)
    reader = _SCALARS.get(kind)
    return _read(reader, rest) if reader else text


def _tagged(name: str, value: Any) -> Any:
    if isinstance(value, _Tag):
        raise NotTransit(f"the tag [{name}] stands before another tag")
    if name in _COMPOSITES:
        return _read(_COMPOSITES[name], value)
    reader = _SCALARS.get(name)
    if reader is not None and isinstance(value, str | int | float):
        return _read(reader, value)
    return value


def _read(reader: Callable[[Any], Any], value: Any) -> Any:
    try:
        return reader(value)
    except NotLoadable:
        raise
    except (ValueError, TypeError, ArithmeticError, InvalidOperation, binascii.Error) as error:
        raise NotTransit(f"[{str(value)[:100]}] cannot be read: {error}") from error


def _boolean(text: str) -> bool:
    return {"t": True, "f": False}[text] if text in ("t", "f") else _fail("neither t nor f")


def _fail(why: str) -> Any:
    raise ValueError(why)


def _double(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _unloadable("a number that is not finite")


def _unloadable(what: str) -> Any:
    raise NotLoadable(what)


def _decimal(text: str) -> Decimal:
    number = Decimal(str(text))
    return number if number.is_finite() else _unloadable("a decimal that is not finite")


def _milliseconds(text: str) -> Instant:
    try:
        moment = _EPOCH + timedelta(milliseconds=int(text))
    except OverflowError:
        raise NotLoadable("an instant outside the years 1 to 9999") from None
    return Instant(moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _verbose_instant(text: str) -> Instant:
    moment = parse(text)
    return Instant(moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _base64(text: str) -> str:
    base64.b64decode(text, validate=True)
    return text


def _uuid(value: Any) -> str:
    if isinstance(value, list):
        high, low = (int(part) % 2**64 for part in value)
        return str(uuid.UUID(int=(high << 64) | low))
    return str(uuid.UUID(value))


def _ratio(value: Any) -> float:
    numerator, denominator = value
    return _double(str(Decimal(numerator) / Decimal(denominator)))


def _pairs(value: Any) -> dict[str, Any]:
    flat = iter(value)
    return _object(list(zip(flat, flat, strict=True)))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else _fail("not an array")


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "_": lambda _: None,
    "?": _boolean,
    "i": int,
    "n": int,
    "d": _double,
    "z": lambda _: _unloadable("a number that is not finite"),
    "f": _decimal,
    "m": _milliseconds,
    "t": _verbose_instant,
    "u": _uuid,
    "b": _base64,
    "r": str,
    ":": str,
    "$": str,
    "c": str,
}
_COMPOSITES: dict[str, Callable[[Any], Any]] = {
    "'": lambda value: value,
    "set": _list,
    "list": _list,
    "cmap": _pairs,
    "ratio": _ratio,
    "u": _uuid,
}
