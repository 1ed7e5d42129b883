"""Load a file with dlt into DuckDB by way of Parquet, its fastest; run by dlt's own Python."""

import json
import os
import sys
from pathlib import Path

source, folder, key = sys.argv[1:]
os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}
import dlt  # type: ignore[import-not-found]  # noqa: E402

pipeline = dlt.pipeline(
    pipeline_name="peer",
    destination=dlt.destinations.duckdb(f"{folder}/peer.duckdb"),
    dataset_name="bench",
    pipelines_dir=folder,
)
with Path(source).open("rb") as lines:
    pipeline.run(
        (json.loads(line) for line in lines), table_name="t", write_disposition="merge",
        primary_key=key, loader_file_format="parquet",
    )  # fmt: skip
