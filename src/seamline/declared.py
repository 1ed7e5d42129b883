"""Configuration as code: a TOML file that says what there is to be, and the steps to make it so.

Nothing is ever removed: what the file does not mention stays as it is.
"""

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seamline.catalog import (
    destinations,
    hooks,
    integrations,
    notifications,
    table_settings,
    tokens,
)
from seamline.catalog.integrations import Integration
from seamline.catalog.store import Catalog
from seamline.config.settings import Settings
from seamline.core.errors import NotFound, Refused
from seamline.destinations.registry import check_config

_TOP = {"destination", "integration", "hook", "email"}
_DESTINATION = {"name", "type", "description", "settings"}
_INTEGRATION = {"name", "schema", "type", "key_names", "destination", "deletes", "paused", "tokens",
                "tables"}  # fmt: skip
_HOOK = {"destination", "url"}
_EMAIL = {"address"}
_TABLE = {"on_conflict", "flush_seconds", "flush_rows", "flush_bytes"}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, in words and as a deed."""

    words: str
    do: Callable[[], object]


def read_file(path: Path) -> dict[str, Any]:
    """Read a file; texts ``env:NAME`` are replaced from the environment. Raises ``Refused``."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{path} is not valid TOML: {error}") from error
    _only(found, _TOP, f"{path}")
    for word in found:
        if not isinstance(found[word], list):
            raise Refused(f"[{word}] must be written [[{word}]]: there may be several.")
    known: dict[str, Any] = _filled(found)
    return known


def steps(catalog: Catalog, settings: Settings, declared: Mapping[str, Any]) -> Iterator[Step]:
    """Yield what is missing, in order; each step is to be done before the next is asked for.

    Raises ``Refused`` for what cannot be.
    """
    for one in declared.get("destination", []):
        yield from _destination(catalog, one)
    for one in declared.get("integration", []):
        yield from _integration(catalog, one)
    for one in declared.get("hook", []):
        yield from _hook(catalog, settings, one)
    for one in declared.get("email", []):
        _only(one, _EMAIL, "[[email]]")
        if one["address"] not in {row["email_address"] for row in notifications.emails(catalog)}:
            yield Step(
                f"mail {one['address']}",
                lambda one=one: notifications.add_email(catalog, one["address"]),  # type: ignore[misc]
            )


def _destination(catalog: Catalog, one: Mapping[str, Any]) -> Iterator[Step]:
    _only(one, _DESTINATION, "[[destination]]", ("name", "type"))
    name, kind = one["name"], one["type"]
    config = {key: _text(value) for key, value in one.get("settings", {}).items()}
    found = next((d for d in destinations.listing(catalog) if d.name == name), None)
    check_config(kind, config)
    if found is None:
        text = one.get("description", "")
        yield Step(
            f"add the destination {name} ({kind})",
            lambda: destinations.create(catalog, kind, name, config, text),
        )
    elif found.type != kind:
        raise Refused(f"the destination {name} is of type {found.type}, which cannot change.")
    elif found.config != config:
        changed = sorted(
            k for k in {*config, *found.config} if config.get(k) != found.config.get(k)
        )
        yield Step(
            f"change {', '.join(changed)} of the destination {name}",
            lambda: destinations.update(catalog, found, config),
        )


def _integration(catalog: Catalog, one: Mapping[str, Any]) -> Iterator[Step]:
    _only(one, _INTEGRATION, "[[integration]]", ("name",))
    name, target = one["name"], one.get("destination")
    if _found(catalog, name) is None:
        yield Step(
            f"create the integration {name}",
            lambda: integrations.create(
                catalog, name, one.get("schema"), target, type=one.get("type", "import_api"),
                key_names=one.get("key_names", ()), deletes=one.get("deletes", "hard"),
            ),
        )  # fmt: skip
    found = _found(catalog, name)
    if found is None:  # a dry run
        return
    for word, value in (("schema", found.schema_name), ("type", found.type)):
        if word in one and one[word] != value:
            raise Refused(f"the {word} of {name} is {value}, which cannot change.")
    if target and destinations.find(catalog, target).id != found.destination_id:
        yield Step(
            f"load {name} to {target}",
            lambda: integrations.update(catalog, found.id, destination=target),
        )
    if "paused" in one and bool(found.paused_at) != one["paused"]:
        deed = integrations.pause if one["paused"] else integrations.resume
        yield Step(f"{deed.__name__} {name}", lambda: deed(catalog, found.id))
    yield from _of_integration(catalog, found, one)


def _of_integration(catalog: Catalog, found: Integration, one: Mapping[str, Any]) -> Iterator[Step]:
    for secret in one.get("tokens", ()):
        if tokens.grant(catalog, tokens.hashed(secret)).integration_id != found.id:
            yield Step(
                f"take the token …{secret[-4:]} for {found.display_name}",
                lambda secret=secret: tokens.adopt(catalog, found.id, secret),  # type: ignore[misc]
            )
    decided = table_settings.decided(catalog)
    for table, wanted in one.get("tables", {}).items():
        _only(wanted, _TABLE, f"tables.{table}")
        place = "" if table == "*" else table
        now = decided.get((found.id, place), table_settings.NOTHING)
        changes = {key: value for key, value in wanted.items() if getattr(now, key) != value}
        if changes:
            words = ", ".join(f"{key} {value}" for key, value in changes.items())
            yield Step(
                f"decide for {found.schema_name}.{table}: {words}",
                lambda place=place, changes=changes: table_settings.decide(  # type: ignore[misc]
                    catalog, found.id, place, changes
                ),
            )


def _hook(catalog: Catalog, settings: Settings, one: Mapping[str, Any]) -> Iterator[Step]:
    _only(one, _HOOK, "[[hook]]", ("url",))
    target = destinations.find(catalog, one.get("destination"))
    known = {(hook.destination_id, hook.url) for hook in hooks.listing(catalog)}
    if (target.id, one["url"]) not in known:
        local = settings.local_hooks
        yield Step(
            f"tell {one['url']} of loads to {target.name}",
            lambda: hooks.create(catalog, target.id, one["url"], allow_http=local),
        )


def _found(catalog: Catalog, name: str) -> Integration | None:
    try:
        return integrations.find(catalog, name)
    except NotFound:
        return None


def _only(given: Any, known: set[str], place: str, needed: tuple[str, ...] = ()) -> None:
    if not isinstance(given, Mapping):
        raise Refused(f"{place} must be a table of names and values.")
    for name in given:
        if name not in known:
            raise Refused(f"{place} has no [{name}]; it has: {', '.join(sorted(known))}.")
    for name in needed:
        if not isinstance(given.get(name), str):
            raise Refused(f'{place} needs {name} = "..."')


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner) for inner in value]
    if isinstance(value, str) and value.startswith("env:"):
        found = os.environ.get(value.removeprefix("env:"))
        if found is None:
            raise Refused(f"a value is to come from {value}, which is not set.")
        return found
    return value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
