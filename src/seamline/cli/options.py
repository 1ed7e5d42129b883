"""What all commands share: the data directory, ``--json``, the settings as flags."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, make_dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from seamline.catalog.store import Catalog
from seamline.config.lock import holder_of
from seamline.config.paths import DataDir
from seamline.config.settings import Configured, Settings, load_settings, meaning_of
from seamline.core.errors import Refused
from seamline.home import prepare_home

DATA_DIR = Parameter(help="directory of catalog, queue and warehouse  [env: SEAMLINE_DATA_DIR]")
JSON = Parameter(help="print JSON instead of text")


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """Flags of every command that prints facts."""

    data_dir: Annotated[str | None, DATA_DIR] = None
    json: Annotated[bool, JSON] = False

    @property
    def settings(self) -> Settings:
        """The settings with these flags applied."""
        return configured({"data_dir": self.data_dir}).settings

    @property
    def layout(self) -> DataDir:
        """Where things lie."""
        return DataDir(self.settings.data_dir)

    @property
    def url(self) -> str:
        """Base URL of the server that runs on the data directory, else the configured one."""
        if holder_of(self.layout.server_lock) and self.layout.server_url.exists():
            return self.layout.server_url.read_text()
        scheme = "https" if self.settings.tls_cert else "http"
        return f"{scheme}://{self.settings.host}:{self.settings.port}"

    @contextmanager
    def catalog(self, *, create: bool = False) -> Iterator[Catalog]:
        """Open the catalog; raise ``Refused`` if there is none and it is not to be made."""
        if not create and not self.layout.catalog.exists():
            raise Refused(
                f"there is no Seamline in {self.layout.root}; start one with `seamline serve` or "
                "name another directory with --data-dir."
            )
        opened = prepare_home(self.settings) if create else Catalog(self.layout.catalog)
        try:
            yield opened
        finally:
            opened.close()


DEFAULT_OPTIONS = Options()

_FLAGS = [
    (f.name, Annotated[f.type | None, Parameter(help=meaning_of(f.name))], None)  # type: ignore[operator]
    for f in fields(Settings)
]
SettingFlags = Parameter(name="*")(
    make_dataclass("SettingFlags", _FLAGS, frozen=True, namespace={"__module__": __name__})
)
"""One optional flag per setting."""


def configured(flags: Mapping[str, Any] | Any) -> Configured:
    """Merge flags with the other sources of settings."""
    return load_settings(flags if isinstance(flags, Mapping) else asdict(flags))
