"""The in-memory DuckDB that does the walking."""

import duckdb

from seamline.config.paths import DataDir
from seamline.config.settings import Settings

_SHARE = 2
"""It keeps nothing between loads, and only tables of very many columns need so much."""


def open_engine(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the engine; it can reach no file and no network but its scratch directory."""
    engine = duckdb.connect(
        config={
            "memory_limit": f"{_SHARE * settings.memory_limit // 1000}KB",
            "threads": 1,  # measured: a second thread makes reading JSON no faster
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    scratch = str(DataDir(settings.data_dir).scratch / "prepare").replace("'", "''")
    engine.execute(f"SET temp_directory = '{scratch}'")
    engine.execute("SET enable_external_access = false")
    engine.execute("SET TimeZone = 'UTC'")  # a date-time without an offset is UTC
    engine.execute("SET lock_configuration = true")
    return engine
