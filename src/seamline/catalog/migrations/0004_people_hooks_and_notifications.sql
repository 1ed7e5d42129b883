-- Who may use the app. The first run's link makes the first admin.
CREATE TABLE user (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  login TEXT NOT NULL UNIQUE COLLATE NOCASE,
  role TEXT NOT NULL CHECK (role IN ('admin', 'editor', 'viewer')),
  password_hash TEXT,  -- argon2id; NULL until an invitation is accepted
  invite_hash BLOB,  -- SHA-256 of the one-time link's secret
  created_at TEXT NOT NULL,
  deactivated_at TEXT
) STRICT;
INSERT INTO user (login, role, password_hash, created_at)
SELECT 'admin', 'admin', password_hash, created_at FROM account WHERE password_hash IS NOT NULL;
ALTER TABLE account DROP COLUMN password_hash;

CREATE TABLE session (
  hash BLOB PRIMARY KEY,  -- SHA-256 of the cookie
  user_id INTEGER NOT NULL REFERENCES user (id),
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys of the Connect API (import-api.md §3.1).
CREATE TABLE api_key (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL UNIQUE,
  last_four TEXT NOT NULL,
  description TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL,
  disabled_at TEXT
) STRICT;

ALTER TABLE integration ADD COLUMN updated_at TEXT;
-- What a PUT said, echoed as it was (import-api.md §3.6).
ALTER TABLE integration ADD COLUMN paused_as TEXT;
ALTER TABLE token ADD COLUMN last_used_at TEXT;
ALTER TABLE destination ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE destination ADD COLUMN updated_at TEXT;

-- The last check of a destination's connection; steps is a JSON array.
CREATE TABLE connection_check (
  destination_id INTEGER PRIMARY KEY REFERENCES destination (id),
  started_at TEXT NOT NULL,
  completed_at TEXT NOT NULL,
  ok INTEGER NOT NULL,
  steps TEXT NOT NULL
) STRICT;

-- Post-load hooks (loading.md §1.6); url and secret are sealed.
CREATE TABLE hook (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  destination_id INTEGER NOT NULL REFERENCES destination (id),
  url TEXT NOT NULL,
  secret TEXT NOT NULL,
  created_at TEXT NOT NULL,
  modified_at TEXT NOT NULL,
  disabled_at TEXT
) STRICT;

-- One call of one hook for one load. It is written with the load, held until the load has happened.
CREATE TABLE hook_call (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hook_id INTEGER NOT NULL REFERENCES hook (id) ON DELETE CASCADE,
  load_id INTEGER NOT NULL REFERENCES load (id),
  body TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'due', 'delivered', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at TEXT,
  answer TEXT,  -- the last one: a status, or why there was none
  ended_at TEXT
) STRICT;
CREATE INDEX hook_call_due ON hook_call (due_at) WHERE state = 'due';
CREATE INDEX hook_call_of_load ON hook_call (load_id);

CREATE TABLE custom_email (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email_address TEXT NOT NULL,
  created_at TEXT NOT NULL,
  disabled_at TEXT
) STRICT;

-- What people should know (loading.md §1.7). The same trouble again raises the count of the open one.
CREATE TABLE notification (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('warning', 'critical', 'delay')),
  category TEXT NOT NULL,
  about TEXT NOT NULL,  -- a stream, destination/ID, hook/ID or gate
  integration_id INTEGER,
  table_name TEXT,
  text TEXT NOT NULL,
  count INTEGER NOT NULL DEFAULT 1,
  opened_at TEXT NOT NULL,
  last_at TEXT NOT NULL,
  mail_at TEXT,  -- when it is due to be mailed; NULL for never
  mailed_at TEXT,
  dismissed_at TEXT,
  resolved_at TEXT
) STRICT;
CREATE UNIQUE INDEX notification_open ON notification (kind, about) WHERE resolved_at IS NULL;

CREATE INDEX load_by_time ON load (started_at);
CREATE INDEX rejected_open ON rejected (integration_id, table_name, reason) WHERE replayed_as IS NULL;

-- Numbers of streams, given when they are first asked for.
CREATE TABLE stream_number (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  integration_id INTEGER NOT NULL,
  table_name TEXT NOT NULL,
  UNIQUE (integration_id, table_name)
) STRICT;
