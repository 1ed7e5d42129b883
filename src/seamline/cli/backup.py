"""``seamline backup``: copy a data directory while it is served."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seamline.backup import back_up
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import bytes_text, console, print_json, progress
from seamline.core.errors import Refused


def backup(
    file: Path,
    /,
    *,
    without_warehouse: Annotated[bool, Parameter(help="leave the embedded warehouse out")] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Write queue, catalog, key and embedded warehouse to FILE (.tar or .tar.gz).

    A server may run: it goes on taking records, and loads wait until the copy is made. FILE holds
    the key that destinations are sealed with: keep it as you keep passwords.
    """
    if not options.layout.catalog.exists():
        raise Refused(f"there is no Seamline in {options.layout.root}.")
    with progress(quiet=options.json) as shown:
        tasks: dict[str, int] = {}

        def tell(name: str, done: int, size: int) -> None:
            if name not in tasks:
                tasks[name] = shown.add_task(name, total=size)
            shown.update(tasks[name], completed=done)  # type: ignore[arg-type]

        size = back_up(options.layout, file, tell, warehouse=not without_warehouse)
    if options.json:
        print_json({"file": str(file), "bytes": size, "files": list(tasks)})
        return
    console().print(f"{file} holds {len(tasks)} files, {bytes_text(size)}.")
