"""Make a data directory ready: account, catalog, embedded warehouse."""

from seamline.catalog import accounts, destinations
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.config.settings import Settings

EMBEDDED = "warehouse"
"""The name of the destination every data directory starts with."""


def prepare_home(settings: Settings) -> Catalog:
    """Open the catalog of a data directory, making what is missing of it."""
    layout = DataDir(settings.data_dir)
    layout.create()
    catalog = Catalog(layout.catalog)
    with catalog.transaction():
        accounts.ensure(catalog)
        if not destinations.listing(catalog):
            destinations.create(catalog, "duckdb", EMBEDDED, {"path": str(layout.warehouse)})
    return catalog
