"""The address behind a host name."""

import socket

from seamline.core.errors import Refused


def address_of(host: str) -> str:
    """Return the first IP address of a host name or address; raise ``Refused`` if it has none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Refused(f"host is [{host}], which is no address here: {error}.") from error
    return str(found[0][4][0])
