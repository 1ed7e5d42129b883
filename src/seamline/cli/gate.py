"""``seamline gate``: run the gate alone."""

from seamline.cli import roles
from seamline.cli.options import SettingFlags, configured


def gate(*, flags: SettingFlags = SettingFlags()) -> None:  # type: ignore[valid-type]  # noqa: B008
    """Run one gate process on its own; `seamline serve` starts it for you."""
    roles.gate(configured(flags).settings)
