"""What a MySQL destination is configured with."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seamline.destinations.options import PORT, Option, Options

_SSL_MODES = ("false", "true", "verify-full")


FORM = (
    Option("host", "Host", required=True),
    Option("port", "Port", default="3306", pattern=PORT),
    Option("username", "Username", required=True),
    Option("password", "Password", secret=True),
    Option("ssl", "Encryption", words=_SSL_MODES),
    Option("sslrootcert", "File of the certificate authority"),
    Option("append_only", "Append even to tables with keys", words=("false", "true")),
)
"""What a user can say, in the order of a form."""


@dataclass(frozen=True, slots=True)
class MySQLConfig:
    """Where the server is and who loads; every integration gets a database of its own.

    ``ssl`` is ``true`` (encrypt), ``verify-full`` (and check the certificate against
    ``sslrootcert`` or the system's) or ``false``.
    """

    host: str
    port: int
    username: str
    password: str
    ssl: str = "false"
    sslrootcert: str = ""
    append_only: bool = False

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> "MySQLConfig":
        """Check what the user gave; raise ``Refused`` naming the field."""
        given = Options("mysql", config, FORM)
        return cls(
            given.text("host"),
            given.port(3306),
            given.text("username"),
            str(config.get("password", "")),
            given.one_of("ssl", _SSL_MODES),
            given.text("sslrootcert"),
            given.yes_no("append_only"),
        )

    @property
    def connection(self) -> dict[str, Any]:
        """Return what PyMySQL connects with."""
        found: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.username,
            "password": self.password,
        }
        if self.ssl == "false":
            return found | {"ssl_disabled": True}
        context = ssl.create_default_context(cafile=self.sslrootcert or None)
        if self.ssl == "true":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return found | {"ssl": context}
