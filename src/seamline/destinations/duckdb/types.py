"""DuckDB's capabilities (loading.md §3, §6.2, column DK)."""

from decimal import Decimal

from seamline.core.names import NamingRules
from seamline.core.types import Type
from seamline.destinations.base import Capabilities, ColumnType

DUCKDB = Capabilities(
    naming=NamingRules(
        display_name="DuckDB",
        case="lower",
        replacement="_",
        digit_prefix="_",
        max_table=255,
        max_column=251,
        reserved_suffixes=("__bi", "__bo", "__de", "__do", "__js", "__st", "__ti"),
    ),
    types={
        Type.INTEGER: ColumnType("BIGINT", "__bi"),
        Type.DOUBLE: ColumnType("DOUBLE", "__do"),
        Type.DECIMAL: ColumnType("DECIMAL(38,6)", "__de"),
        Type.BOOLEAN: ColumnType("BOOLEAN", "__bo"),
        Type.STRING: ColumnType("VARCHAR", "__st"),
        Type.TIMESTAMP: ColumnType("TIMESTAMP", "__ti"),
        Type.JSON: ColumnType("JSON", "__js"),
    },
    decimal_max=Decimal("99999999999999999999999999999999.999999"),
    decimal_scale=6,
    has_long_texts=True,
)

TYPE_OF_SQL = {column.sql: kind for kind, column in DUCKDB.types.items()}
"""What a column found in the catalogue holds; any other SQL type holds nothing of ours."""
