CREATE TABLE account (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  client_id INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  setup_hash BLOB,  -- SHA-256 of the one-time link's secret
  password_hash TEXT  -- argon2id
) STRICT;

CREATE TABLE destination (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  created_at TEXT NOT NULL,
  deleted_at TEXT
) STRICT;
CREATE UNIQUE INDEX destination_name ON destination (name) WHERE deleted_at IS NULL;

CREATE TABLE integration (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  display_name TEXT NOT NULL,
  schema_name TEXT NOT NULL,
  destination_id INTEGER NOT NULL REFERENCES destination (id),
  created_at TEXT NOT NULL,
  paused_at TEXT,
  deleted_at TEXT
) STRICT;
CREATE UNIQUE INDEX integration_display_name ON integration (display_name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX integration_schema_name ON integration (schema_name) WHERE deleted_at IS NULL;

-- Revoked tokens and those of deleted integrations stay, so that the gate can tell why it refuses.
CREATE TABLE token (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  integration_id INTEGER NOT NULL REFERENCES integration (id),
  hash BLOB NOT NULL UNIQUE,
  last_four TEXT NOT NULL,
  created_at TEXT NOT NULL,
  revoked_at TEXT
) STRICT;

-- One row per table that ever had a load attempt.
CREATE TABLE stream (
  integration_id INTEGER NOT NULL REFERENCES integration (id),
  table_name TEXT NOT NULL,
  rows_loaded INTEGER NOT NULL DEFAULT 0,
  rows_rejected INTEGER NOT NULL DEFAULT 0,
  last_loaded_at TEXT,
  error TEXT,
  failed_attempts INTEGER NOT NULL DEFAULT 0,
  retry_at TEXT,
  PRIMARY KEY (integration_id, table_name)
) STRICT, WITHOUT ROWID;

-- A load is written down as 'running' before the destination commits. Its nonce is in the fence,
-- so after a crash the fence tells whether it happened.
CREATE TABLE load (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  nonce TEXT NOT NULL,
  integration_id INTEGER NOT NULL,
  table_name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'loaded', 'failed', 'crashed')),
  started_at TEXT NOT NULL,
  prepared_at TEXT,
  finished_at TEXT,
  first_position INTEGER NOT NULL,
  last_position INTEGER NOT NULL,
  records INTEGER NOT NULL,
  loaded INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  stale INTEGER NOT NULL DEFAULT 0,
  columns_added TEXT NOT NULL DEFAULT '[]',
  error TEXT
) STRICT;
CREATE INDEX load_running ON load (id) WHERE state = 'running';
CREATE INDEX load_of_table ON load (integration_id, table_name, id);

-- One row per batch that took part in a load; a receipt covers the batches of one request.
-- loaded is NULL when a power cut lost the report of a load that did happen.
CREATE TABLE receipt (
  id TEXT NOT NULL,
  position INTEGER NOT NULL,
  integration_id INTEGER NOT NULL,
  table_name TEXT NOT NULL,
  records INTEGER NOT NULL,
  received_at TEXT NOT NULL,
  load_id INTEGER REFERENCES load (id),
  loaded INTEGER,
  rejected INTEGER,
  stale INTEGER,
  PRIMARY KEY (id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_of_load ON receipt (load_id);
