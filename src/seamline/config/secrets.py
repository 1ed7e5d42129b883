"""What must not be readable in the catalog is sealed with a key that is not in it.

The key is 32 bytes: from ``SEAMLINE_SECRET_KEY`` (64 hex digits), or from ``secret.key`` in the
data directory, which is made when it is first needed and readable by its owner only. Whoever has
catalog and key has the secrets; a copy of the catalog alone is worthless.
"""

import base64
import os
import secrets
from pathlib import Path

from seamline.config.stable import write_once
from seamline.core.errors import Refused

VARIABLE = "SEAMLINE_SECRET_KEY"

_KEY_BYTES = 32
_NONCE_BYTES = 12
_PREFIX = "aesgcm1:"


class SecretBox:
    """Seals and opens texts with AES-256-GCM."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def seal(self, text: str) -> str:
        """Return the sealed text; the same text gives another one each time."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self._key(make=True)).encrypt(nonce, text.encode(), _PREFIX.encode())
        return _PREFIX + base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str) -> str:
        """Return the text; one that was never sealed comes back as it is.

        Raises ``Refused`` if the key is missing or another one.
        """
        if not sealed.startswith(_PREFIX):
            return sealed
        # Imported here, because a gate has nothing to seal or open.
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        data = base64.b64decode(sealed.removeprefix(_PREFIX))
        try:
            opened = AESGCM(self._key(make=False)).decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], _PREFIX.encode()
            )
        except InvalidTag as error:
            raise Refused(
                f"the key in {self._key_file} (or {VARIABLE}) is not the one the catalog's secrets "
                "were sealed with; put the right one back."
            ) from error
        return opened.decode()

    def _key(self, *, make: bool) -> bytes:
        given = os.environ.get(VARIABLE)
        if given is not None:
            return _parsed(given, VARIABLE)
        if make:
            write_once(self._key_file, secrets.token_hex(_KEY_BYTES))
        try:
            return _parsed(self._key_file.read_text("ascii"), str(self._key_file))
        except FileNotFoundError as error:
            raise Refused(
                f"{self._key_file} is missing, and the catalog has secrets sealed with it; put it "
                f"back, or set {VARIABLE}."
            ) from error


def _parsed(text: str, origin: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise Refused(f"{origin} must hold {2 * _KEY_BYTES} hex digits.")
    return key
