"""``seamline loader``: run the loader alone."""

from seamline.cli import roles
from seamline.cli.options import SettingFlags, configured


def loader(*, flags: SettingFlags = SettingFlags()) -> None:  # type: ignore[valid-type]  # noqa: B008
    """Run one loader process on its own; `seamline serve` starts it for you."""
    roles.loader(configured(flags).settings)
