ALTER TABLE integration ADD COLUMN type TEXT NOT NULL DEFAULT 'import_api'
  CHECK (type IN ('import_api', 'webhook'));
-- JSON array of the fields a webhook's records are upserted by; empty to append.
ALTER TABLE integration ADD COLUMN key_names TEXT NOT NULL DEFAULT '[]';
-- Whether the action delete removes a row or marks it with _sdc_deleted_at.
ALTER TABLE integration ADD COLUMN deletes TEXT NOT NULL DEFAULT 'hard'
  CHECK (deletes IN ('hard', 'soft'));

-- JSON object: rows written to the root and to each subtable.
ALTER TABLE load ADD COLUMN rows_by_table TEXT NOT NULL DEFAULT '{}';

-- The columns the loader has met in or given to each table: what a preview compares with. The
-- destination's own catalogue decides at a load.
CREATE TABLE table_column (
  integration_id INTEGER NOT NULL,
  table_name TEXT NOT NULL,  -- as the destination spells it
  place INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT,
  is_key INTEGER NOT NULL,
  PRIMARY KEY (integration_id, table_name, place)
) STRICT, WITHOUT ROWID;

-- The inbox: messages that were not loaded as they are. Part of the load that says so.
CREATE TABLE rejected (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  load_id INTEGER NOT NULL REFERENCES load (id),
  integration_id INTEGER NOT NULL,
  receipt TEXT NOT NULL,
  batch INTEGER NOT NULL,  -- which batch of the load
  ordinal INTEGER NOT NULL,  -- which message of the batch
  table_name TEXT NOT NULL,  -- as the destination spells it
  reason TEXT NOT NULL,
  whole INTEGER NOT NULL,  -- 0 if the record was loaded without a column or subtable
  message TEXT,  -- NULL if it is too long to be kept here
  envelope TEXT,  -- of its batch; only with the first of a batch, for it holds the schema
  rejected_at TEXT NOT NULL,
  replayed_as TEXT  -- the receipt of the replay
) STRICT;
CREATE INDEX rejected_of_load ON rejected (load_id);
