"""``seamline apply``: make it as a file says."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, print_json
from seamline.declared import read_file, steps


def apply(
    file: Path,
    /,
    *,
    dry_run: Annotated[bool, Parameter(help="say what would be done, and do nothing")] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Make destinations, integrations, policies, hooks and addresses as a TOML file says.

    Doing it twice does nothing the second time; what the file does not mention stays. Secrets are
    given as "env:NAME".
    """
    declared = read_file(file)
    done: list[str] = []
    with options.catalog(create=True) as catalog:
        for step in steps(catalog, options.settings, declared):
            if not dry_run:
                step.do()
            done.append(step.words)
    if options.json:
        print_json({"dry_run": dry_run, "steps": done})
        return
    for words in done:
        console().print(f"{'would ' if dry_run else ''}{words}", markup=False)
    if not done:
        console().print("All is as the file says.")
