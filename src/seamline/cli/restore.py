"""``seamline restore``: make a data directory of a backup."""

from pathlib import Path

from seamline.backup import restore as restored
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, print_json


def restore(file: Path, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Make the data directory, which must be empty, of a backup; its checksums are compared."""
    files = restored(file, options.layout)
    if options.json:
        print_json({"data_dir": str(options.layout.root), "files": sorted(files)})
        return
    console().print(f"{options.layout.root} is ready: `seamline serve` goes on where it was.")
