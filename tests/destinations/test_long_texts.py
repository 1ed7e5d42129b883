"""Columns that are made for long texts, where a destination makes a difference."""

import duckdb
import pytest

from tests.depot import Depot, upsert

LONG = "some words, and more of them; " * 100

pytestmark = pytest.mark.destinations("duckdb")


def compressions(depot: Depot) -> dict[str, str]:
    """Return how each column of text is compressed in the file."""
    depot.destination.close()
    with duckdb.connect(str(depot.warehouse), read_only=True) as connection:
        schema = depot.integration.schema_name
        table = f"{schema}.a"
        rows = connection.execute(
            "SELECT DISTINCT column_name, compression FROM pragma_storage_info(?) "
            "WHERE segment_type = 'VARCHAR' AND compression <> 'Empty Validity'",
            [table],
        ).fetchall()
    return dict(rows)


def test_columns_whose_first_texts_are_long_are_compressed_by_zstd(depot: Depot) -> None:
    records = [upsert(n, id=n, short=f"text {n}", long=f"{n} {LONG}") for n in range(2_000)]
    depot.push("a", ["id"], *records)
    later = [upsert(n, id=n, later=f"{n} {LONG}") for n in range(2_000, 4_000)]
    depot.push("a", ["id"], *later)

    kinds = compressions(depot)
    assert (kinds["long"], kinds["later"]) == ("ZSTD", "ZSTD")
    assert kinds["short"] != "ZSTD"
    rows = {id_: texts for id_, *texts in depot.table("a", "id", "long", "later")}
    assert len(rows) == 4_000
    assert rows[1_999] == [f"1999 {LONG}", None]
    assert rows[2_000] == [None, f"2000 {LONG}"]
