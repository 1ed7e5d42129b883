"""Read what users configure a destination with; complaints name the option and the way out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seamline.core.errors import Refused

_YES_NO = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a user can say about a destination: what forms and the Connect API show."""

    name: str
    label: str
    required: bool = False
    secret: bool = False
    words: tuple[str, ...] = ()
    """What it can be, the default first; empty for any text."""
    default: str = ""
    pattern: str = ""
    """A regular expression it must match."""


PORT = r"^\d+$"


class Options:
    """The options of one destination, as texts."""

    def __init__(self, kind: str, config: Mapping[str, Any], form: Sequence[Option]) -> None:
        """Raise ``Refused`` for an option that is not known or one that is needed and missing."""
        self._given = {name: str(value).strip() for name, value in config.items()}
        known = [option.name for option in form]
        extra = set(self._given) - set(known)
        if extra:
            raise Refused(
                f"a {kind} destination has no setting [{min(extra)}]; it has: {', '.join(known)}."
            )
        for name in (option.name for option in form if option.required):
            if not self._given.get(name):
                raise Refused(f"a {kind} destination needs {name}=...")

    def text(self, name: str, default: str = "") -> str:
        """Return an option."""
        return self._given.get(name, default)

    def port(self, default: int) -> int:
        """Return the option ``port``."""
        port = self.text("port", str(default))
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise Refused(f"port is [{port}]; it must be a number from 1 to 65535.")
        return int(port)

    def one_of(self, name: str, words: Sequence[str]) -> str:
        """Return one of some words, the first of which is the default."""
        word = self.text(name, words[0]).lower()
        if word not in words:
            raise Refused(f"{name} is [{word}]; it must be one of {', '.join(words)}.")
        return word

    def yes_no(self, name: str) -> bool:
        """Return a switch that is off unless it is given."""
        value = self.text(name, "false").lower()
        if value not in _YES_NO:
            raise Refused(f"{name} is [{value}]; it must be true or false.")
        return _YES_NO[value]
