"""One call of a post-load hook over HTTP (import-api.md §3.13).

As an extension each call is signed: ``Seamline-Signature: t=<seconds>,v1=<hex>``, where the hex is
the HMAC-SHA256 of ``<seconds>.<body>`` under the hook's secret.
"""

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

USER_AGENT = "StitchLoadingWebhook"
SIGNATURE = "Seamline-Signature"

_SECONDS = 30.0
_REDIRECTS = range(300, 400)
_FINE = range(200, 300)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a call: a status, or why there is none."""

    ok: bool
    text: str


def call(url: str, body: bytes, secret: str, *, local: bool = False) -> Reply:
    """Send ``body``; never raises. ``local`` allows http and addresses that are not public."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "https" and not local:
            return Reply(False, "Invalid URI")
        status = _send(parts, body, secret, _address(parts, local=local))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Reply(False, f"{type(error).__name__}: {error}"[:300])
    if status in _REDIRECTS:
        return Reply(False, f"HTTP {status}; redirects are not followed")
    return Reply(status in _FINE, f"HTTP {status}")


def signature(body: bytes, secret: str, seconds: int) -> str:
    """Return the value of the header that proves who sent a body, and when."""
    signed = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return f"t={seconds},v1={signed.hexdigest()}"


def _address(parts: SplitResult, *, local: bool) -> tuple[str, int]:
    """Resolve the host once and check the very address that will be connected to."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    address = str(found[0][4][0])
    known = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(known, "ipv4_mapped", None) or known
    if not local and not inner.is_global:
        raise ValueError(
            f"{parts.hostname} is {address}, which is not a public address; set local_hooks"
        )
    return address, port


def _send(parts: SplitResult, body: bytes, secret: str, address: tuple[str, int]) -> int:
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, address[1], timeout=_SECONDS)
    # Connected by hand: a second look-up of the name could give another address.
    connection.sock = socket.create_connection(address, timeout=_SECONDS)
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            SIGNATURE: signature(body, secret, int(time.time())),
        }
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
