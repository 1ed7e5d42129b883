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
