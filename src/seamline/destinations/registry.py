"""The destination types by name; adding one adds a line here."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from seamline.config.settings import Settings
from seamline.core.errors import Refused

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

SECRET_FIELDS = frozenset({"password"})
"""Fields of any destination's configuration that are never shown and never stored as they are."""


def open_destination(kind: str, config: Mapping[str, Any], settings: Settings) -> "Destination":
    """Build a destination; nothing is connected until it is used. Raises ``Refused``."""
    if kind not in _TYPES:
        raise Refused(f"there is no destination type [{kind}]; known: {', '.join(_TYPES)}.")
    return _TYPES[kind](config, settings)
