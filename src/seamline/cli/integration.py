"""``seamline integration``: the doors of the Import API."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from seamline.catalog import accounts, integrations
from seamline.catalog.integrations import Deletes, Integration, Type
from seamline.catalog.store import Catalog
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, moment, print_json, print_table

app = App(name="integration", help="Create, list, pause, resume and delete integrations.")


@app.command
def create(
    name: str,
    /,
    *,
    schema: Annotated[str | None, Parameter(help="schema name instead of the derived one")] = None,
    destination: Annotated[str | None, Parameter(help="where to load; default: the first")] = None,
    type_: Annotated[
        Type, Parameter(name="--type", help="webhook: takes any JSON at a URL of its own")
    ] = "import_api",
    key: Annotated[
        tuple[str, ...], Parameter(help="field a webhook's records are upserted by; repeatable")
    ] = (),
    deletes: Annotated[
        Deletes, Parameter(help="what the action delete does: remove rows or mark them")
    ] = "hard",
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Create an integration; its schema name is derived from NAME and never changes."""
    with options.catalog(create=True) as catalog:
        made = integrations.create(
            catalog, name, schema, destination, type=type_, key_names=key, deletes=deletes
        )
        if options.json:
            print_json(_json(catalog, made))
            return
    console().print(
        f"Created integration {made.id} [bold]{made.display_name}[/bold]; its tables will be in "
        f"schema [bold]{made.schema_name}[/bold].\nNext: seamline token create "
        f'"{made.display_name}"'
    )


@app.command(name="list")
def listing(*, options: Options = DEFAULT_OPTIONS) -> None:
    """List the integrations."""
    with options.catalog() as catalog:
        found = integrations.listing(catalog)
        if options.json:
            print_json([_json(catalog, one) for one in found])
            return
    print_table(
        ["id", "name", "schema", "state", "created"],
        [(i.id, i.display_name, i.schema_name, i.state, moment(i.created_at)) for i in found],
        empty='No integrations yet. Make one: seamline integration create "Import API"',
    )


@app.command
def show(name: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Show one integration, by name, schema name or id."""
    with options.catalog() as catalog:
        _print(catalog, integrations.find(catalog, name), options)


@app.command
def pause(name: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Make its tokens answer 401 until it is resumed; queued records are still loaded."""
    _change(name, options, integrations.pause)


@app.command
def resume(name: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Make its tokens work again."""
    _change(name, options, integrations.resume)


@app.command
def delete(name: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Close it for good; its tables stay and queued records are still loaded."""
    _change(name, options, integrations.delete)


def _change(name: str, options: Options, change: Any) -> None:
    with options.catalog() as catalog:
        _print(catalog, change(catalog, integrations.find(catalog, name).id), options)


def _print(catalog: Catalog, found: Integration, options: Options) -> None:
    described = _json(catalog, found)
    if options.json:
        print_json(described)
    else:
        print_table(["", ""], list(described.items()))


def _json(catalog: Catalog, found: Integration) -> dict[str, Any]:
    return {**found.as_json(), "client_id": accounts.client_id(catalog)}
