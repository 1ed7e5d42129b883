-- People change schemas, too: such a change belongs to no load, and names them.
CREATE TABLE schema_change_new (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  load_id INTEGER REFERENCES load (id),
  integration_id INTEGER NOT NULL,
  table_name TEXT NOT NULL,
  change TEXT NOT NULL,  -- create table, add column, rename column, widen column, merge columns
  column_name TEXT,
  type TEXT,
  was TEXT,  -- the name, the names or the type it had before
  receipt TEXT,
  changed_at TEXT NOT NULL,
  token_id INTEGER REFERENCES token (id),
  person TEXT
) STRICT;
INSERT INTO schema_change_new
SELECT id, load_id, integration_id, table_name, change, column_name, type, was, receipt, changed_at,
  token_id, NULL
FROM schema_change;
DROP TABLE schema_change;
ALTER TABLE schema_change_new RENAME TO schema_change;
CREATE INDEX schema_change_of_table ON schema_change (integration_id, table_name, id);
CREATE INDEX schema_change_of_load ON schema_change (load_id);
