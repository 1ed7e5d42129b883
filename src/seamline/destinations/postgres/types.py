"""PostgreSQL's capabilities (loading.md §3, §6.2, column PG)."""

from decimal import Decimal

from seamline.core.names import NamingRules
from seamline.core.types import Type
from seamline.destinations.base import Capabilities, ColumnType, RowLimit

POSTGRES = Capabilities(
    naming=NamingRules(
        display_name="PostgreSQL",
        case="keep",
        replacement="",
        digit_prefix="",
        max_table=63,
        max_column=59,
        reserved_suffixes=("__bi", "__bo", "__de", "__do", "__it", "__st", "__ti"),
        kept=" ",
        not_leading=" ",
    ),
    types={
        Type.INTEGER: ColumnType("bigint", "__bi"),
        Type.DOUBLE: ColumnType("double precision", "__do"),
        Type.DECIMAL: ColumnType("numeric", "__de"),
        Type.BOOLEAN: ColumnType("boolean", "__bo"),
        Type.STRING: ColumnType("text", "__st"),
        Type.TIMESTAMP: ColumnType("timestamp with time zone", "__ti"),
        Type.JSON: ColumnType("jsonb", "__js"),
    },
    decimal_max=Decimal("9" * 131_072),
    decimal_scale=16_383,
    rename_on_split=True,
    exact_decimals=True,
    strips_nul=True,
    row_limit=RowLimit(bytes=8_160, inline=24, moved=18),
    adopted_suffixes={Type.INTEGER: "__it"},
    max_columns=1_600,
)

NARROW = ("integer", "smallint")
"""Types that hold fewer integers than ours."""
_ADOPTED = {
    "character varying": Type.STRING,
    "timestamp without time zone": Type.TIMESTAMP,
}


def type_of_sql(sql: str) -> Type | None:
    """Return what a column of this SQL type holds; None if it holds nothing of ours."""
    if sql.startswith("numeric"):
        return Type.DECIMAL
    if sql in NARROW:
        return Type.INTEGER
    own = {column.sql: kind for kind, column in POSTGRES.types.items()}
    return own.get(sql) or _ADOPTED.get(sql.partition("(")[0])
