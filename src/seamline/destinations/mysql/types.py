"""MySQL's capabilities (loading.md §3, §6.2, column MY)."""

from decimal import Decimal

from seamline.core.names import NamingRules
from seamline.core.types import Type
from seamline.destinations.base import Capabilities, ColumnType, RowLimit

MYSQL = Capabilities(
    naming=NamingRules(
        display_name="MySQL",
        case="lower",
        replacement="_",
        digit_prefix="",
        max_table=60,
        # The server's limit is 64 and leaves no room for the suffix of a column that splits.
        max_column=60,
        reserved_suffixes=("__bi", "__bo", "__de", "__dt", "__fl", "__it", "__js", "__st"),
        kept="$",
        trimmed=" ",
        reserved_table_suffixes=("_old", "_stg"),
    ),
    types={
        Type.INTEGER: ColumnType("BIGINT", "__bi"),
        Type.DOUBLE: ColumnType("DOUBLE", "__fl"),
        Type.DECIMAL: ColumnType("DECIMAL(38,6)", "__de"),
        Type.BOOLEAN: ColumnType("TINYINT(1)", "__bo"),
        Type.STRING: ColumnType("LONGTEXT", "__st"),
        Type.TIMESTAMP: ColumnType("DATETIME(6)", "__dt"),
        Type.JSON: ColumnType("JSON", "__js"),
    },
    decimal_max=Decimal("99999999999999999999999999999999.999999"),
    decimal_scale=6,
    nested="json",
    rename_on_split=True,
    strips_nul=True,
    max_key_length=768,  # an index holds 3,072 bytes
    max_json_depth=30,  # MariaDB checks 32 levels, MySQL 100
    row_limit=RowLimit(bytes=8_126, inline=40, moved=22),
    max_columns=1_017,
)

_KINDS = {
    "bigint": Type.INTEGER,
    "double": Type.DOUBLE,
    "decimal(38,6)": Type.DECIMAL,
    "tinyint(1)": Type.BOOLEAN,
    "longtext": Type.STRING,
    "mediumtext": Type.STRING,
    "text": Type.STRING,
    "datetime(6)": Type.TIMESTAMP,
    "json": Type.JSON,
}


def type_of_sql(sql: str) -> Type | None:
    """Return what a column of this type holds; None if it holds nothing of ours."""
    if sql.startswith("varchar("):
        return Type.STRING
    return _KINDS.get("bigint" if sql in ("bigint", "bigint(20)") else sql)
