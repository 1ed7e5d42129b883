"""The address behind a host name, and a connection to a server of ours."""

import http.client
import socket
import ssl
from urllib.parse import urlsplit

from seamline.core.errors import Refused


def address_of(host: str) -> str:
    """Return the first IP address of a host name or address; raise ``Refused`` if it has none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Refused(f"host is [{host}], which is no address here: {error}.") from error
    return str(found[0][4][0])


def connection_to(url: str, seconds: float) -> http.client.HTTPConnection:
    """Return a connection to our own server at a base URL, to ask how it is.

    Its certificate is for the name clients use, which need not be that of this address.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=seconds)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
