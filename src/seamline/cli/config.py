"""``seamline config``: every setting, its value and where it came from."""

from dataclasses import asdict

from seamline.cli.options import DEFAULT_OPTIONS, Options, configured
from seamline.cli.printing import print_json, print_table
from seamline.config.settings import meaning_of, shown


def config(*, options: Options = DEFAULT_OPTIONS) -> None:
    """Show every setting with its value, where the value came from and what it means."""
    found = configured({"data_dir": options.data_dir})
    values = {name: shown(name, value) for name, value in asdict(found.settings).items()}
    if options.json:
        print_json(
            {
                name: {"value": value, "from": found.origins[name], "meaning": meaning_of(name)}
                for name, value in values.items()
            }
        )
        return
    rows = [(name, v, found.origins[name], meaning_of(name)) for name, v in values.items()]
    print_table(["setting", "value", "from", "meaning"], [map_row(row) for row in rows])


def map_row(row: tuple[str, object, str, str]) -> tuple[str, str, str, str]:
    """Show the value as text, so that the column is not aligned as numbers."""
    return row[0], str(row[1]), row[2], row[3]
