"""``seamline key``: access keys of the Connect API."""

import getpass
from typing import Annotated

from cyclopts import App, Parameter

from seamline.catalog import api_keys
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, moment, print_json, print_table

app = App(name="key", help="Create, list, disable, enable and delete keys of the Connect API.")


@app.command
def create(
    description: Annotated[str, Parameter(help="what it is for")] = "",
    /,
    *,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Make a key and print it, once."""
    with options.catalog(create=True) as catalog:
        number, secret = api_keys.create(catalog, description, f"{getpass.getuser()} (terminal)")
    if options.json:
        print_json({"id": number, "access_key": secret})
        return
    console().print(f"Key {number}, shown this once:")
    print(secret)


@app.command(name="list")
def listing(*, options: Options = DEFAULT_OPTIONS) -> None:
    """List the keys without their secrets."""
    with options.catalog() as catalog:
        found = api_keys.listing(catalog)
    if options.json:
        print_json(found)
        return
    print_table(
        ["id", "last four", "description", "created", "by", "state"],
        [
            (
                row["id"], row["last_four"], row["description"], moment(row["created_at"]),
                row["created_by"], "disabled" if row["disabled_at"] else "enabled",
            )
            for row in found
        ],
        empty="No keys: `seamline key create` makes one.",
    )  # fmt: skip


@app.command
def disable(key_id: int, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Refuse a key from now on."""
    _enable(key_id, options, enabled=False)


@app.command
def enable(key_id: int, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Take a disabled key again."""
    _enable(key_id, options, enabled=True)


@app.command
def delete(key_id: int, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Delete a key for good."""
    with options.catalog() as catalog:
        api_keys.delete(catalog, key_id)
    _say(options, {"id": key_id, "deleted": True}, f"Key {key_id} is deleted.")


def _enable(key_id: int, options: Options, *, enabled: bool) -> None:
    with options.catalog() as catalog:
        api_keys.enable(catalog, key_id, enabled=enabled)
    state = "enabled" if enabled else "disabled"
    _say(options, {"id": key_id, "state": state}, f"Key {key_id} is {state}.")


def _say(options: Options, facts: dict[str, object], text: str) -> None:
    if options.json:
        print_json(facts)
    else:
        console().print(text)
