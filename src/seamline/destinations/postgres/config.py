"""What a PostgreSQL destination is configured with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seamline.core.errors import Refused

_FIELDS = ("host", "port", "username", "password", "database", "ssl", "sslrootcert", "append_only",
           "keep_stale_children")  # fmt: skip
_SSL_MODES = {"true": "require", "false": "prefer", "verify-full": "verify-full",
              "disable": "disable"}  # fmt: skip
_YES_NO = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class PostgresConfig:
    """Where the server is and who loads.

    ``ssl`` is ``true`` (encrypt), ``verify-full`` (and check the certificate against
    ``sslrootcert`` or the system's), ``false`` (encrypt if the server can) or ``disable``.
    """

    host: str
    port: int
    username: str
    password: str
    database: str
    ssl: str = "false"
    sslrootcert: str = ""
    append_only: bool = False
    keep_stale_children: bool = False

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> "PostgresConfig":
        """Check what the user gave; raise ``Refused`` naming the field."""
        given = {name: str(value).strip() for name, value in config.items()}
        extra = set(given) - set(_FIELDS)
        if extra:
            raise Refused(
                f"a postgres destination has no setting [{min(extra)}]; "
                f"it has: {', '.join(_FIELDS)}."
            )
        for name in ("host", "username", "database"):
            if not given.get(name):
                raise Refused(f"a postgres destination needs {name}=...")
        port = given.get("port", "5432")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise Refused(f"port is [{port}]; it must be a number from 1 to 65535.")
        ssl = given.get("ssl", "false").lower()
        if ssl not in _SSL_MODES:
            raise Refused(f"ssl is [{ssl}]; it must be one of {', '.join(_SSL_MODES)}.")
        return cls(
            given["host"],
            int(port),
            given["username"],
            str(config.get("password", "")),
            given["database"],
            ssl,
            given.get("sslrootcert", ""),
            _yes_no(given, "append_only"),
            _yes_no(given, "keep_stale_children"),
        )

    @property
    def connection(self) -> dict[str, Any]:
        """Return what psycopg connects with."""
        found: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.username,
            "password": self.password,
            "dbname": self.database,
            "sslmode": _SSL_MODES[self.ssl],
        }
        return found | ({"sslrootcert": self.sslrootcert} if self.sslrootcert else {})


def _yes_no(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "false").lower()
    if value not in _YES_NO:
        raise Refused(f"{name} is [{value}]; it must be true or false.")
    return _YES_NO[value]
