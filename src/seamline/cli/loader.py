"""``seamline loader``: run the loader alone."""

from seamline.cli.logs import set_up_logs
from seamline.cli.options import SettingFlags, configured
from seamline.server import watch_parent


def loader(*, flags: SettingFlags = SettingFlags()) -> None:  # type: ignore[valid-type]  # noqa: B008
    """Run one loader process on its own; `seamline serve` starts it for you."""
    from seamline.load.server import run_loader

    settings = configured(flags).settings
    set_up_logs("loader", settings)
    watch_parent()
    run_loader(settings)
