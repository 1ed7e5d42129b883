"""``seamline plan``: what loading a file would change and reject, before anything is sent."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from seamline.catalog import destinations, integrations
from seamline.catalog.table_settings import policy_of
from seamline.cli.apply import apply
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, print_json, print_table, progress
from seamline.cli.push_batch import BatchBody
from seamline.cli.push_schema import infer_schema
from seamline.cli.push_source import read_records
from seamline.core.clock import new_receipt_id, now
from seamline.core.errors import Refused
from seamline.destinations.registry import open_destination
from seamline.gate.answer import Answer
from seamline.gate.check import Checker
from seamline.load.preview import Preview, known_tables, previewed

_MOST_RECORDS = 20_000
_SHOWN = 20


def plan(
    table: str,
    file: Path | None = None,
    /,
    *,
    integration: Annotated[str | None, Parameter(help="default: the only one")] = None,
    key: Annotated[tuple[str, ...], Parameter(help="key field; repeat for several")] = (),
    schema: Annotated[Path | None, Parameter(help="JSON schema file; default: inferred")] = None,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Show what loading FILE into TABLE would do: columns, splits, rejected records. Sends nothing.

    With one argument, a TOML file: show what `seamline apply` would do.

    Compares with the tables as the loader saw them last, and follows what `seamline table set` has
    decided. Looks at the first 20,000 records.
    """
    if file is None:
        if not Path(table).is_file():
            raise Refused(f"there is no file {table}; to plan a table, name it and then a file.")
        apply(Path(table), dry_run=True, options=options)
        return
    if not file.is_file():
        raise Refused(f"there is no file {file}.")
    with progress(quiet=options.json) as shown:
        source = schema.read_bytes() if schema else infer_schema(file, shown)
    records = list(islice(read_records(file), _MOST_RECORDS))
    if not records:
        raise Refused(f"{file} holds no records.")
    body = BatchBody(table, source, key).of(records, first_sequence=1)
    with options.catalog() as catalog:
        named = integration or _only(integrations.listing(catalog))
        chosen = integrations.find(catalog, named)
        try:
            batch = Checker().check(body).batch(chosen.id, new_receipt_id(), now())
        except Answer as answer:
            raise Refused(f"the gate would refuse it: {answer.content.decode()}") from answer
        record = destinations.of_integration(catalog, chosen.id)
        capabilities = open_destination(record.type, record.config, options.settings).capabilities
        name = capabilities.naming.canonical(table)
        known = known_tables(catalog, chosen.id, chosen.schema_name, name)
        policy = policy_of(catalog, chosen.id, name)
    found = previewed(options.settings, capabilities, known, chosen.schema_name, batch, policy)
    if options.json:
        print_json(msgspec.to_builtins(found))
        return
    _print(found, len(records))


def _only(found: list[integrations.Integration]) -> str:
    if len(found) != 1:
        raise Refused(f"there are {len(found)} integrations; name one with --integration.")
    return str(found[0].id)


def _print(found: Preview, records: int) -> None:
    print_table(
        ["table", "column", "type", "change", "field"],
        [(c.table, c.name, c.type, "" if c.change == "none" else c.change, c.field)
         for c in found.columns],
        empty="No column would get a value.",
    )  # fmt: skip
    print_table(
        ["record", "what", "reason"],
        [("" if p.record is None else p.record, p.scope, p.reason)
         for p in found.problems[:_SHOWN]],
        empty=f"All of {records} records would load.",
    )  # fmt: skip
    if len(found.problems) > _SHOWN:
        console().print(f"... and {len(found.problems) - _SHOWN} more.")
