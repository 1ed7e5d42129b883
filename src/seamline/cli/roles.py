"""What the processes of a server do; each imports only what it needs."""

from seamline.cli.logs import set_up_logs
from seamline.config.settings import Settings
from seamline.server import watch_parent


def gate(settings: Settings) -> None:
    """Serve HTTP until told to stop."""
    from seamline.gate.server import run_gate
    from seamline.web.site import site

    set_up_logs("gate", settings)
    watch_parent()
    run_gate(settings, site(settings))


def loader(settings: Settings) -> None:
    """Load until told to stop."""
    from seamline.load.server import run_loader

    set_up_logs("loader", settings)
    watch_parent()
    run_loader(settings)


RUN = {"gate": gate, "loader": loader}
