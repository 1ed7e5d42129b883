-- What was loaded in each hour (UTC, as 2026-11-24T02), so that figures of a day cost no more with
-- a million loads than with ten.
CREATE TABLE load_hour (
  hour TEXT NOT NULL,
  integration_id INTEGER NOT NULL,
  table_name TEXT NOT NULL,
  loads INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  records INTEGER NOT NULL DEFAULT 0,
  rows INTEGER NOT NULL DEFAULT 0,  -- of the table and its subtables (loading.md §1.5)
  rejected INTEGER NOT NULL DEFAULT 0,
  stale INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (hour, integration_id, table_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX load_hour_of_table ON load_hour (integration_id, table_name, hour);
CREATE INDEX stream_failing ON stream (integration_id) WHERE error IS NOT NULL;
