"""``seamline gate``: run the gate alone."""

from seamline.cli.logs import set_up_logs
from seamline.cli.options import SettingFlags, configured
from seamline.server import watch_parent


def gate(*, flags: SettingFlags = SettingFlags()) -> None:  # type: ignore[valid-type]  # noqa: B008
    """Run one gate process on its own; `seamline serve` starts it for you."""
    from seamline.gate.server import run_gate
    from seamline.web.site import site

    settings = configured(flags).settings
    set_up_logs("gate", settings)
    watch_parent()
    run_gate(settings, site(settings))
