"""The way in: parse the command line and run one command."""

from cyclopts import App, Parameter

import seamline
from seamline.cli.ending import ended

app = App(
    name="seamline",
    help="A self-hosted Import API: push JSON over HTTP, find typed tables in your warehouse.",
    version=seamline.__version__,
    default_parameter=Parameter(negative=()),
)

_COMMANDS = {
    "Run": {
        "serve": "Run the server.",
        "demo": "Follow one record the whole way.",
        "push": "Send a file.",
        "gate": "Run one gate process alone.",
        "loader": "Run the loader process alone.",
    },
    "Set up": {
        "integration": "Create, list, pause, resume and delete integrations.",
        "token": "Create, list and revoke access tokens.",
        "destination": "Add, list, check and remove destinations.",
        "user": "Add and list users of the app.",
        "key": "Create, list and disable keys of the Connect API.",
        "apply": "Make it as a file says.",
        "config": "Show every setting and where it came from.",
    },
    "Look": {
        "status": "Show processes, queue and tables.",
        "loads": "List load attempts.",
        "table": "List and show tables and their history; decide how they load.",
        "plan": "Show what loading a file would change and reject.",
        "rejected": "List, show and replay rejected records.",
        "receipt": "Show where a request is.",
        "query": "Read the embedded warehouse.",
        "doctor": "Check that all is in order.",
    },
    "Keep": {
        "backup": "Copy a data directory while it is served.",
        "restore": "Make a data directory of a backup.",
        "rotate-key": "Seal what is secret under a new key.",
    },
}
_NESTED = ("integration", "token", "destination", "rejected", "table", "user", "key")

# Commands are named by path, so that starting one does not import the others.
for _group, _names in _COMMANDS.items():
    for _name, _help in _names.items():
        _module = _name.replace("-", "_")
        _target = f"seamline.cli.{_module}:{'app' if _name in _NESTED else _module}"
        app.command(_target, name=_name, group=_group, help=_help)


def main() -> None:
    """Run the command line; see :func:`~seamline.cli.ending.ended` for how it exits."""
    ended(app)
