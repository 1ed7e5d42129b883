"""What a PostgreSQL destination is configured with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seamline.destinations.options import PORT, Option, Options

_SSL_MODES = {"false": "prefer", "true": "require", "verify-full": "verify-full",
              "disable": "disable"}  # fmt: skip


FORM = (
    Option("host", "Host", required=True),
    Option("port", "Port", default="5432", pattern=PORT),
    Option("username", "Username", required=True),
    Option("password", "Password", secret=True),
    Option("database", "Database", required=True),
    Option("ssl", "Encryption", words=tuple(_SSL_MODES)),
    Option("sslrootcert", "File of the certificate authority"),
    Option("append_only", "Append even to tables with keys", words=("false", "true")),
    Option("keep_stale_children", "Keep rows of arrays that got shorter", words=("false", "true")),
)
"""What a user can say, in the order of a form."""


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
        given = Options("postgres", config, FORM)
        return cls(
            given.text("host"),
            given.port(5432),
            given.text("username"),
            str(config.get("password", "")),
            given.text("database"),
            given.one_of("ssl", tuple(_SSL_MODES)),
            given.text("sslrootcert"),
            given.yes_no("append_only"),
            given.yes_no("keep_stale_children"),
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
