"""What a MySQL destination is configured with."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seamline.core.errors import Refused

_FIELDS = ("host", "port", "username", "password", "ssl", "sslrootcert", "append_only")
_SSL_MODES = ("true", "false", "verify-full")
_YES_NO = {"true": True, "false": False}


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
        given = {name: str(value).strip() for name, value in config.items()}
        extra = set(given) - set(_FIELDS)
        if extra:
            raise Refused(
                f"a mysql destination has no setting [{min(extra)}]; it has: {', '.join(_FIELDS)}."
            )
        for name in ("host", "username"):
            if not given.get(name):
                raise Refused(f"a mysql destination needs {name}=...")
        port = given.get("port", "3306")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise Refused(f"port is [{port}]; it must be a number from 1 to 65535.")
        mode = given.get("ssl", "false").lower()
        if mode not in _SSL_MODES:
            raise Refused(f"ssl is [{mode}]; it must be one of {', '.join(_SSL_MODES)}.")
        append_only = given.get("append_only", "false").lower()
        if append_only not in _YES_NO:
            raise Refused(f"append_only is [{append_only}]; it must be true or false.")
        return cls(
            given["host"],
            int(port),
            given["username"],
            str(config.get("password", "")),
            mode,
            given.get("sslrootcert", ""),
            _YES_NO[append_only],
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
