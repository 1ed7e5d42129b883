"""Names: from what people type to what a warehouse accepts (loading.md §3).

Pure functions over :class:`NamingRules`, which every destination declares as data.
"""

import re
from dataclasses import dataclass
from typing import Literal

from seamline.core.errors import Refused

PASS_THROUGH = frozenset(
    {
        "_sdc_customer_id",
        "_sdc_deleted_at",
        "_sdc_dimensions_hash_key",
        "_sdc_extra",
        "_sdc_record_hash",
        "_sdc_replication_id",
        "_sdc_report_datetime",
        "_sdc_source_file",
        "_sdc_source_lineno",
    }
)
"""Reserved-looking fields that taps legitimately send (loading.md §2.1, D-01)."""

RESERVED_PREFIXES = ("_sdc", "_rjm", "__sdc")

_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_$]{0,48}")


@dataclass(frozen=True, slots=True)
class NamingRules:
    """How one destination spells identifiers (loading.md §3.2, §3.3, §3.5)."""

    display_name: str
    """The name in messages to people, such as ``DuckDB``."""
    case: Literal["keep", "lower", "upper"]
    replacement: str
    """What an illegal character becomes: ``_`` or nothing."""
    digit_prefix: str
    """What is put before a leading digit."""
    max_table: int
    max_column: int
    reserved_suffixes: tuple[str, ...]
    kept: str = ""
    """Characters that are legal besides letters, digits and ``_``."""
    not_leading: str = ""
    """Characters that are stripped from the beginning."""
    trimmed: str = ""
    """Characters that are stripped from both ends before anything else."""
    reserved_table_suffixes: tuple[str, ...] = ()

    def canonical(self, raw: str) -> str:
        """Spell a table or column the destination's way; the result may be empty.

        Non-ASCII letters count as illegal; one illegal character gives one replacement.
        """
        raw = raw.strip(self.trimmed) if self.trimmed else raw
        legal = "".join(
            c if c.isascii() and (c.isalnum() or c == "_" or c in self.kept) else self.replacement
            for c in raw
        )
        legal = legal.lstrip(self.not_leading) if self.not_leading else legal
        if legal[:1].isdigit():
            legal = self.digit_prefix + legal
        return {"keep": legal, "lower": legal.lower(), "upper": legal.upper()}[self.case]

    def column_problem(self, raw: str, canonical: str) -> str | None:
        """Say why a record with this field is rejected, or None (loading.md §8.1)."""
        folded = canonical.lower()
        if folded.startswith(RESERVED_PREFIXES) and folded not in PASS_THROUGH:
            return f"table or column name includes reserved prefix on {raw}"
        if folded.endswith(self.reserved_suffixes):
            return f"column names from client should not include reserved datatype suffix on {raw}"
        return None

    def column_loss(self, raw: str, canonical: str) -> str | None:
        """Say why only this column is dropped while its record still loads, or None."""
        if not canonical:
            return f"Column name {raw} is invalid for {self.display_name}"
        if len(canonical) > self.max_column:
            return f"Column name {canonical} is too long for {self.display_name}"
        return None

    def table_problem(self, raw: str, canonical: str) -> str | None:
        """Say why every record of this table is rejected, or None."""
        if canonical.lower().startswith(RESERVED_PREFIXES):
            return f"table or column name includes reserved prefix on {raw}"
        if canonical.lower().endswith(self.reserved_table_suffixes):
            return f"table names from client should not include reserved suffix on {raw}"
        if not canonical:
            return f"Table name {raw} is invalid for {self.display_name}"
        if len(canonical) > self.max_table:
            return f"Table name {canonical} is too long for {self.display_name}"
        return None


def schema_name(display_name: str) -> str:
    """Derive an integration's schema name (import-api.md §3.6, loading.md §3.1).

    >>> schema_name("Recurring Orders (EU)")
    'recurring_orders_eu'

    Raises ``Refused`` when nothing legal is left.
    """
    kept = re.sub(r"[.()]", "", display_name.lower())
    derived = re.sub(r"[^a-z0-9_$]+", " ", kept).strip().replace(" ", "_")
    if not derived:
        raise Refused(
            f"invalid name after deriving it from display_name ({display_name} -> {derived})"
        )
    return checked_schema_name(f"_{derived}" if derived[0].isdigit() else derived)


def checked_schema_name(name: str) -> str:
    """Return the schema name if it is legal; raise ``Refused`` with the rule if not."""
    if not _SCHEMA_NAME.fullmatch(name):
        raise Refused(
            "The name field must be under 50 characters, and can only contain lowercase letters, "
            "numbers, underscores, or dollar signs. It must begin with a letter or an underscore. "
            f"This is [{name}]; give another with --schema."
        )
    if name.startswith(RESERVED_PREFIXES) or name == "_seamline":
        raise Refused(f"The schema name [{name}] is reserved; give another with --schema.")
    return name
