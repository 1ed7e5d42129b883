"""What must not be readable in the catalog is sealed with a key that is not in it.

The key is 32 bytes: from ``SEAMLINE_SECRET_KEY`` (64 hex digits), or from ``secret.key`` in the
data directory, which is made when it is first needed and readable by its owner only. Whoever has
catalog and key has the secrets; a copy of the catalog alone is worthless.

There may be several keys, separated by blanks or commas: the first one seals, all of them open. So
a key is replaced without a moment in which nothing can be opened (``seamline rotate-key``).
"""

import base64
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from seamline.config.stable import write_anew, write_once
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
        key = self._keys(make=True)[0]
        sealed = AESGCM(key).encrypt(nonce, text.encode(), _PREFIX.encode())
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
        for key in self._keys(make=False):
            try:
                opened = AESGCM(key).decrypt(
                    data[:_NONCE_BYTES], data[_NONCE_BYTES:], _PREFIX.encode()
                )
            except InvalidTag:
                continue
            return opened.decode()
        raise Refused(
            f"the key in {self._key_file} (or {VARIABLE}) is not the one the catalog's secrets "
            "were sealed with; put the right one back."
        )

    @property
    def is_given(self) -> bool:
        """Whether the keys come from the environment, not from the file."""
        return VARIABLE in os.environ

    def add_key(self) -> None:
        """Make a new first key in the file; the others stay until :meth:`keep_first`."""
        known = self._keys(make=True)
        write_anew(self._key_file, _written([secrets.token_bytes(_KEY_BYTES), *known]))

    def keep_first(self) -> None:
        """Throw all keys of the file away but the first."""
        write_anew(self._key_file, _written(self._keys(make=True)[:1]))

    def _keys(self, *, make: bool) -> list[bytes]:
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


def _parsed(text: str, origin: str) -> list[bytes]:
    try:
        keys = [bytes.fromhex(word) for word in text.replace(",", " ").split()]
    except ValueError:
        keys = []
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise Refused(f"{origin} must hold {2 * _KEY_BYTES} hex digits.")
    return keys


def _written(keys: Sequence[bytes]) -> str:
    return "\n".join(key.hex() for key in keys)
