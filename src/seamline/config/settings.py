"""Every setting with its default, unit and meaning, and where its value came from.

Strength: command-line flag, then ``SEAMLINE_*`` environment variable, then ``seamline.toml`` in the
working directory (or the file named by ``SEAMLINE_CONFIG``), then the default.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from seamline.core.errors import Refused

_LOG_LEVELS = ("debug", "info", "warning", "error", "critical")


def _setting(
    default: Any, meaning: str, least: float | None = None, among: tuple[str, ...] = ()
) -> Any:
    metadata = {"meaning": meaning, "least": least, "among": among}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one Seamline; sizes are bytes, times are seconds."""

    data_dir: str = _setting("seamline-data", "directory of catalog, queue and warehouse")
    host: str = _setting("127.0.0.1", "address the gate listens on")
    port: int = _setting(8383, "port the gate listens on; 0 picks a free one", 0)
    gate_workers: int = _setting(1, "gate processes sharing the port", 1)
    body_max_bytes: int = _setting(20_971_520, "largest request body; more is answered 413", 1)
    body_seconds: float = _setting(120.0, "time a body may take to arrive; then 408", 0.01)
    body_memory_bytes: int = _setting(
        256 * 2**20, "memory a gate process spends on bodies at once; beyond it 503", 2**20
    )
    tls_cert: str = _setting("", "file with the certificate of https, and of its issuers")
    tls_key: str = _setting("", "file with the certificate's key")
    queue_max_bytes: int = _setting(
        10 * 2**30, "disk the queue may take; beyond it the gate answers 503", 2**20
    )
    queue_segment_bytes: int = _setting(64 * 2**20, "size at which a queue file is rotated", 2**16)
    spool_dir: str = _setting(
        "", "where batches are kept while the queue's storage fails; empty: DATA_DIR/spool"
    )
    spool_max_bytes: int = _setting(
        2**30, "disk the spool may take; 0 turns it off, so that such requests are answered 503", 0
    )
    region: str = _setting("", "region this server serves; empty: requests of all hosts are taken")
    region_hosts: str = _setting(
        "", "hosts by region, as eu=api.eu.example.org,us=api.example.org; see region"
    )
    flush_seconds: float = _setting(0.2, "least time between two loads of one table", 0)
    flush_rows: int = _setting(
        10_000, "records that make a load due at once; it takes ten times as many at most", 1
    )
    flush_bytes: int = _setting(
        3 * 2**20, "bytes that make a load due at once; it takes ten times as many at most", 1
    )
    max_record_bytes: int = _setting(
        20_000_000, "largest record a table takes; a larger one is rejected", 1
    )
    memory_limit: int = _setting(
        384 * 2**20,
        "memory of the warehouse's engine; preparing very wide tables may take twice as much",
        64 * 2**20,
    )
    idle_close_seconds: float = _setting(
        0.5, "idle time after which the loader lets go of the DuckDB file", 0
    )
    local_hooks: bool = _setting(
        False, "whether post-load hooks may use http:// and addresses that are not public"
    )
    hook_retry_seconds: float = _setting(
        5.0, "pause before a hook is called again; it doubles each time, five times", 0
    )
    smtp_url: str = _setting(
        "", "where mail is handed in, as smtp://user:password@host:587; empty: none is sent"
    )
    mail_from: str = _setting("seamline@localhost", "sender of mail")
    mask_fields: str = _setting(
        "", "fields whose values the app's live page hides, as email,phone; * hides all"
    )
    log_level: str = _setting("info", "debug, info, warning, error or critical", among=_LOG_LEVELS)
    log_format: str = _setting("text", "log lines as text or json", among=("text", "json"))


_NAMES = {f.name: f for f in fields(Settings)}


@dataclass(frozen=True, slots=True)
class Configured:
    """Settings together with the origin of each value."""

    settings: Settings
    origins: dict[str, str]


def load_settings(
    flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Configured:
    """Merge all sources; flags that are None count as not given.

    Raises ``Refused`` for an unknown name in the file, a value of the wrong kind or one below its
    least value, naming the source.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    origins = dict.fromkeys(_NAMES, "default")
    for origin, found in (
        *_file_values(environment),
        *_environment_values(environment),
        *((f"flag --{name.replace('_', '-')}", {name: v}) for name, v in (flags or {}).items()),
    ):
        for name, value in found.items():
            if value is not None:
                values[name] = _checked(name, value, origin)
                origins[name] = origin
    return Configured(Settings(**values), origins)


def shown(name: str, value: Any) -> Any:
    """Return a setting's value as people may see it: without the password of an address."""
    return re.sub(r"(://[^:/@]*):.*@", r"\1:…@", value) if name == "smtp_url" else value


def meaning_of(name: str) -> str:
    """Return the one-line explanation of a setting."""
    return str(_NAMES[name].metadata["meaning"])


def _file_values(environment: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    named = environment.get("SEAMLINE_CONFIG")
    path = Path(named or "seamline.toml")
    if not path.is_file():
        if named:
            raise Refused(f"SEAMLINE_CONFIG names [{named}], which is not a file.")
        return []
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{path} is not valid TOML: {error}") from error
    for name in found:
        if name not in _NAMES:
            raise Refused(f"{path} holds the unknown setting [{name}]; see `seamline config`.")
    return [(str(path), found)]


def _environment_values(environment: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    pairs = ((f"SEAMLINE_{name.upper()}", name) for name in _NAMES)
    return [(key, {name: environment[key]}) for key, name in pairs if environment.get(key)]


def _converted(kind: type[Any], value: Any) -> Any:
    if kind is bool:
        return value if isinstance(value, bool) else _YES_NO[str(value).lower()]
    if isinstance(value, bool) or (kind is str and not isinstance(value, str)):
        raise ValueError(value)
    return kind(value)


def _checked(name: str, value: Any, origin: str) -> Any:
    kind: type[Any] = type(_NAMES[name].default)
    try:
        converted = _converted(kind, value)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(
            f"{name} is [{value}] (from {origin}); it must be {_KIND_WORDS[kind]}."
        ) from error
    least = _NAMES[name].metadata["least"]
    if least is not None and converted < least:
        raise Refused(f"{name} is [{value}] (from {origin}); the least is {least}.")
    among = _NAMES[name].metadata["among"]
    if among and converted not in among:
        raise Refused(f"{name} is [{value}] (from {origin}); it must be {', '.join(among)}.")
    return converted


_YES_NO = {"true": True, "false": False}
_KIND_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
