"""``seamline user``: who may use the app; also the way back in when a password is lost."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from seamline.catalog import users
from seamline.catalog.users import Role
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, moment, print_json, print_table

app = App(name="user", help="Add and list users of the app; make a link for a new password.")


@app.command
def add(
    login: str,
    /,
    *,
    role: Annotated[Role, Parameter(help="what the user may do")] = "viewer",
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Add a user and print the link by which the password is chosen, once."""
    with options.catalog(create=True) as catalog:
        number = users.add(catalog, login, role, None)
        secret = users.invite(catalog, number)
    _say(options, number, login, secret)


@app.command
def link(login: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Print a link by which a user chooses a new password; the old one works until then."""
    with options.catalog() as catalog:
        found = users.find(catalog, login)
        secret = users.invite(catalog, found.id)
    _say(options, found.id, found.login, secret)


@app.command(name="list")
def listing(*, options: Options = DEFAULT_OPTIONS) -> None:
    """List the users."""
    with options.catalog() as catalog:
        found = users.listing(catalog)
    if options.json:
        print_json(found)
        return
    print_table(
        ["id", "login", "role", "since", "state"],
        [
            (
                row["id"], row["login"], row["role"], moment(row["created_at"]), _state(row),
            )
            for row in found
        ],
        empty="No users: `seamline serve` prints the link for the first one.",
    )  # fmt: skip


def _state(row: dict[str, Any]) -> str:
    if row["deactivated_at"]:
        return "deactivated"
    return "invited" if row["invited"] else "active"


def _say(options: Options, number: int, login: str, secret: str) -> None:
    address = f"{options.url}/invite/{secret}"
    if options.json:
        print_json({"id": number, "login": login, "link": address})
        return
    console().print(f"{login} chooses a password here, once:")
    print(address)
