"""The destination types by name; adding one adds a line here."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from seamline.config.settings import Settings
from seamline.core.errors import Refused
from seamline.destinations.options import Option

if TYPE_CHECKING:
    from seamline.destinations.base import Destination


def _duckdb(config: Mapping[str, Any], settings: Settings) -> "Destination":
    from seamline.destinations.duckdb.config import DuckDBConfig
    from seamline.destinations.duckdb.load import DuckDBDestination

    return DuckDBDestination(DuckDBConfig.parse(config), settings)


def _postgres(config: Mapping[str, Any], settings: Settings) -> "Destination":
    from seamline.destinations.postgres.config import PostgresConfig
    from seamline.destinations.postgres.load import PostgresDestination

    return PostgresDestination(PostgresConfig.parse(config), settings)


def _mysql(config: Mapping[str, Any], settings: Settings) -> "Destination":
    try:
        from seamline.destinations.mysql.config import MySQLConfig
        from seamline.destinations.mysql.load import MySQLDestination
    except ModuleNotFoundError as error:
        raise Refused(
            "a mysql destination needs a driver: pip install 'seamline[mysql]'"
        ) from error
    return MySQLDestination(MySQLConfig.parse(config), settings)


_TYPES: dict[str, Callable[[Mapping[str, Any], Settings], "Destination"]] = {
    "duckdb": _duckdb,
    "postgres": _postgres,
    "mysql": _mysql,
}


def form_of(kind: str) -> Sequence[Option]:
    """Return what a destination of this type is configured with. Raises ``Refused``."""
    return _config_module(kind).FORM  # type: ignore[no-any-return]


def check_config(kind: str, config: Mapping[str, Any]) -> None:
    """Raise ``Refused`` for a configuration that cannot be; connects to nothing."""
    for name in vars(module := _config_module(kind)):
        if name.endswith("Config"):
            getattr(module, name).parse(config)


def _config_module(kind: str) -> ModuleType:
    if kind not in _TYPES:
        raise Refused(f"there is no destination type [{kind}]; known: {', '.join(_TYPES)}.")
    return import_module(f"seamline.destinations.{kind}.config")


def types() -> tuple[str, ...]:
    """Return the names of all destination types."""
    return tuple(_TYPES)


SECRET_FIELDS = frozenset({"password"})
"""Fields of any destination's configuration that are never shown and never stored as they are."""


def open_destination(kind: str, config: Mapping[str, Any], settings: Settings) -> "Destination":
    """Build a destination; nothing is connected until it is used. Raises ``Refused``."""
    if kind not in _TYPES:
        raise Refused(f"there is no destination type [{kind}]; known: {', '.join(_TYPES)}.")
    return _TYPES[kind](config, settings)
