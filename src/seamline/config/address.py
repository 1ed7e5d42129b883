"""The address behind a host name, and a question to a server of ours."""

import socket
from urllib.parse import urlsplit

from seamline.core.errors import Refused


def address_of(host: str) -> str:
    """Return the first IP address of a host name or address; raise ``Refused`` if it has none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Refused(f"host is [{host}], which is no address here: {error}.") from error
    return str(found[0][4][0])


def asked(url: str, path: str, seconds: float) -> tuple[int, bytes]:
    """Ask our own server at a base URL how it is; return status and body.

    Raises ``OSError`` if it does not answer in HTTP. Two processes that hardly do anything else
    need this, so it is done by hand: http.client would take 5 MB in each.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    plain = socket.create_connection((host, parts.port), seconds)
    with _secured(plain) if parts.scheme == "https" else plain as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        with connection.makefile("rb") as reader:
            head, _, body = reader.read().partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise OSError(f"{url} does not answer in HTTP")
    return int(words[1]), body


def _secured(plain: socket.socket) -> socket.socket:
    """Speak TLS; the certificate is for the name clients use, which need not be this address."""
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)
