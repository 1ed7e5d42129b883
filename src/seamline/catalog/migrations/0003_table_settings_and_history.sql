-- What users decide about a table, or with an empty name about all tables of an integration.
CREATE TABLE table_setting (
  integration_id INTEGER NOT NULL,
  table_name TEXT NOT NULL,  -- as the destination spells it
  flush_seconds REAL,
  flush_rows INTEGER,
  flush_bytes INTEGER,
  on_conflict TEXT CHECK (on_conflict IN ('split', 'widen', 'json', 'null', 'refuse')),
  PRIMARY KEY (integration_id, table_name)
) STRICT, WITHOUT ROWID;

-- Schema history: each change the loader made, in which load, for the first request that needed it.
CREATE TABLE schema_change (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  load_id INTEGER NOT NULL REFERENCES load (id),
  integration_id INTEGER NOT NULL,
  table_name TEXT NOT NULL,
  change TEXT NOT NULL,  -- create table, add column, rename column, widen column
  column_name TEXT,
  type TEXT,
  was TEXT,  -- the name or the type it had before
  receipt TEXT,
  changed_at TEXT NOT NULL
) STRICT;
CREATE INDEX schema_change_of_table ON schema_change (integration_id, table_name, id);
CREATE INDEX schema_change_of_load ON schema_change (load_id);
