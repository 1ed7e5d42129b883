"""What a page's handler is given, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seamline.catalog.store import Catalog
from seamline.catalog.users import User
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.errors import NotFound
from seamline.gate.gate import Gate

NOBODY = User(0, "", "viewer")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in user; in a thread of its own, with a catalog of its own."""

    catalog: Catalog
    settings: Settings
    gate: Gate
    user: User
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    session: str
    """The secret of the session; empty without one."""
    client: str
    """The address the request came from."""
    base_url: str

    @property
    def layout(self) -> DataDir:
        """Where things lie."""
        return DataDir(self.settings.data_dir)

    def number(self, name: str = "id") -> int:
        """Return a number of the path; raise ``NotFound`` if it is none."""
        text = self.path[name]
        if not (text.isascii() and text.isdigit() and len(text) < 18):
            raise NotFound(f"there is nothing with the number [{text}].")
        return int(text)

    def said(self, name: str) -> str:
        """Return a field of the form without the blanks around it; empty if it is not there."""
        return self.form.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class Page:
    """A page: a template and the data it shows, which is what a program gets as JSON."""

    template: str
    data: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    cookie: str | None = None
    """A session to begin; empty to end it."""


@dataclass(frozen=True, slots=True)
class Go:
    """On to another page."""

    to: str
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """A file."""

    content: bytes
    media_type: str
    name: str


Outcome = Page | Go | Download
