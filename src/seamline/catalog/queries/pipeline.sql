-- destination_create
INSERT INTO destination (type, name, config, description, created_at, updated_at)
VALUES (:type, :name, :config, :description, :now, :now) RETURNING id;

-- destination_list
SELECT id, type, name, config, description, created_at, updated_at FROM destination
WHERE deleted_at IS NULL ORDER BY id;

-- destination_update
UPDATE destination SET name = :name, description = :description, config = :config,
  updated_at = :now
WHERE id = :id;

-- destination_remove
UPDATE destination SET deleted_at = :now
WHERE id = :id
  AND NOT EXISTS (SELECT 1 FROM integration WHERE destination_id = :id AND deleted_at IS NULL)
  AND EXISTS (SELECT 1 FROM destination WHERE id <> :id AND deleted_at IS NULL);

-- destination_of_integration
SELECT d.id, d.type, d.name, d.config, d.description, d.created_at, d.updated_at
FROM destination AS d JOIN integration AS i ON i.destination_id = d.id
WHERE i.id = :integration_id;

-- integration_create
INSERT INTO integration
  (display_name, schema_name, destination_id, type, key_names, deletes, created_at, updated_at)
VALUES
  (:display_name, :schema_name, :destination_id, :type, :key_names, :deletes, :now, :now)
RETURNING id;

-- integration_list
SELECT id, display_name, schema_name, destination_id, created_at, paused_at, deleted_at, type,
  key_names, deletes, updated_at, paused_as
FROM integration WHERE deleted_at IS NULL OR :with_deleted ORDER BY id;

-- integration_get
SELECT id, display_name, schema_name, destination_id, created_at, paused_at, deleted_at, type,
  key_names, deletes, updated_at, paused_as
FROM integration WHERE id = :id;

-- integration_find
SELECT id, display_name, schema_name, destination_id, created_at, paused_at, deleted_at, type,
  key_names, deletes, updated_at, paused_as
FROM integration
WHERE deleted_at IS NULL
  AND (display_name = :name OR schema_name = :name OR CAST(id AS TEXT) = :name)
ORDER BY display_name = :name DESC, schema_name = :name DESC LIMIT 1;

-- integration_pause
UPDATE integration SET paused_at = :now, paused_as = :paused_as, updated_at = :now WHERE id = :id;

-- integration_resume
UPDATE integration SET paused_at = NULL, paused_as = NULL, updated_at = :now WHERE id = :id;

-- integration_delete
UPDATE integration SET deleted_at = :now, updated_at = :now WHERE id = :id;

-- integration_update
UPDATE integration SET display_name = :display_name, destination_id = :destination_id,
  updated_at = :now
WHERE id = :id;

-- token_create
INSERT INTO token (integration_id, hash, last_four, created_at)
VALUES (:integration_id, :hash, :last_four, :now) RETURNING id;

-- token_list
SELECT id, integration_id, last_four, created_at, last_used_at FROM token
WHERE integration_id = :integration_id AND revoked_at IS NULL ORDER BY id;

-- token_revoke
UPDATE token SET revoked_at = :now
WHERE id = :id AND integration_id = :integration_id AND revoked_at IS NULL;

-- token_used
UPDATE token SET last_used_at = :at WHERE hash = :hash;

-- token_access
SELECT t.id, t.integration_id, t.revoked_at, i.paused_at, i.deleted_at, i.type, i.key_names
FROM token AS t JOIN integration AS i ON i.id = t.integration_id
WHERE t.hash = :hash;

-- load_start
INSERT INTO load
  (nonce, integration_id, table_name, state, started_at, first_position, last_position, records)
VALUES
  (:nonce, :integration_id, :table_name, 'running', :started_at, :first_position, :last_position,
   :records)
RETURNING id;

-- load_prepared
UPDATE load SET prepared_at = :prepared_at, loaded = :loaded, rejected = :rejected, stale = :stale,
  columns_added = :columns_added, rows_by_table = :rows_by_table
WHERE id = :id;

-- load_finish
UPDATE load SET state = 'loaded', finished_at = :now WHERE id = :id;

-- load_fail
UPDATE load SET state = :state, finished_at = :now, error = :error, loaded = 0, rejected = 0,
  stale = 0, rows_by_table = '{}'
WHERE id = :id;

-- load_rejections
SELECT reason, sum(count(*)) OVER () AS number FROM rejected WHERE load_id = :load_id
GROUP BY reason ORDER BY count(*) DESC LIMIT 1;

-- load_schema_events
SELECT table_name, group_concat(column_name, ', ') AS columns FROM schema_change AS c
WHERE load_id = :load_id AND change = 'add column'
  AND NOT EXISTS (SELECT 1 FROM schema_change AS n WHERE n.load_id = c.load_id
                  AND n.table_name = c.table_name AND n.change = 'create table')
GROUP BY table_name;

-- load_running
SELECT id, nonce, integration_id, table_name FROM load WHERE state = 'running' ORDER BY id;

-- load_list
SELECT l.id, i.schema_name AS schema, l.table_name AS "table", l.state, l.started_at, l.finished_at,
  l.records, l.loaded, l.rejected, l.stale, l.columns_added,
  l.rows_by_table, l.error
FROM load AS l JOIN integration AS i ON i.id = l.integration_id
WHERE (:integration_id IS NULL OR l.integration_id = :integration_id)
  AND (:table_name IS NULL OR l.table_name = :table_name)
ORDER BY l.id DESC LIMIT :limit;

-- receipt_put
INSERT OR REPLACE INTO receipt
  (id, position, integration_id, table_name, records, received_at, load_id, loaded, rejected, stale)
VALUES
  (:id, :position, :integration_id, :table_name, :records, :received_at, :load_id, :loaded,
   :rejected, :stale);

-- receipt_put_unknown
INSERT OR IGNORE INTO receipt
  (id, position, integration_id, table_name, records, received_at)
VALUES (:id, :position, :integration_id, :table_name, :records, :received_at);

-- receipt_put_damaged
INSERT OR IGNORE INTO receipt
  (id, position, integration_id, table_name, records, received_at, damage)
VALUES (:id, :position, :integration_id, :table_name, :records, :received_at, :damage);

-- receipt_drop_of_load
DELETE FROM receipt WHERE load_id = :load_id;

-- receipt_get
SELECT r.id, r.position, r.integration_id, r.table_name, r.records, r.received_at, r.load_id,
  r.loaded, r.rejected, r.stale, l.state, l.started_at, l.prepared_at, l.finished_at,
  l.columns_added, r.damage
FROM receipt AS r LEFT JOIN load AS l ON l.id = r.load_id
WHERE r.id = :id ORDER BY r.position;

-- receipt_earlier
SELECT id FROM receipt WHERE id >= :prefix AND id < :prefix || char(127) LIMIT 1;

-- stream_loaded
INSERT INTO stream
  (integration_id, table_name, rows_loaded, rows_rejected, stale, loads, load_seconds,
   last_loaded_at)
SELECT integration_id, table_name, loaded, rejected, stale, 1,
  (julianday(:now) - julianday(started_at)) * 86400, :now
FROM load WHERE id = :id
ON CONFLICT DO UPDATE SET rows_loaded = rows_loaded + excluded.rows_loaded,
  rows_rejected = rows_rejected + excluded.rows_rejected,
  stale = stale + excluded.stale, loads = loads + excluded.loads,
  load_seconds = load_seconds + excluded.load_seconds,
  last_loaded_at = excluded.last_loaded_at, error = NULL, failed_attempts = 0, retry_at = NULL;

-- stream_failed
INSERT INTO stream (integration_id, table_name, error, failed_attempts, retry_at)
VALUES (:integration_id, :table_name, :error, 1, :retry_at)
ON CONFLICT DO UPDATE SET error = :error, failed_attempts = failed_attempts + :counts,
  retry_at = :retry_at;

-- stream_list
SELECT s.integration_id, i.schema_name AS schema, s.table_name AS "table", s.rows_loaded,
  s.rows_rejected, s.stale, s.loads, s.load_seconds, s.last_loaded_at, s.error, s.failed_attempts, s.retry_at
FROM stream AS s JOIN integration AS i ON i.id = s.integration_id
ORDER BY s.integration_id, s.table_name;

-- table_columns
SELECT name, type, is_key FROM table_column
WHERE integration_id = :integration_id AND table_name = :table_name ORDER BY place;

-- table_names
SELECT DISTINCT table_name FROM table_column
WHERE integration_id = :integration_id
  AND (table_name = :table_name OR substr(table_name, 1, length(:table_name) + 2) = :table_name || '__')
ORDER BY table_name;

-- table_forget
DELETE FROM table_column WHERE integration_id = :integration_id AND table_name = :table_name;

-- table_column_put
INSERT INTO table_column (integration_id, table_name, place, name, type, is_key)
VALUES (:integration_id, :table_name, :place, :name, :type, :is_key);

-- rejected_put
INSERT INTO rejected
  (load_id, integration_id, receipt, batch, ordinal, table_name, reason, whole, message, envelope,
   rejected_at)
VALUES
  (:load_id, :integration_id, :receipt, :batch, :ordinal, :table_name, :reason, :whole, :message,
   :envelope, :rejected_at);

-- rejected_drop_of_load
DELETE FROM rejected WHERE load_id = :load_id;

-- rejected_list
SELECT r.id, i.schema_name AS schema, r.table_name AS "table", r.reason, r.whole, r.receipt,
  r.ordinal, r.rejected_at, r.replayed_as
FROM rejected AS r
JOIN integration AS i ON i.id = r.integration_id
JOIN load AS l ON l.id = r.load_id AND l.state = 'loaded'
WHERE (:integration_id IS NULL OR r.integration_id = :integration_id)
  AND (:table_name IS NULL OR r.table_name = :table_name)
  AND (:with_replayed OR r.replayed_as IS NULL)
ORDER BY r.id DESC LIMIT :limit;

-- rejected_get
SELECT r.id, r.integration_id, r.table_name AS "table", r.reason, r.whole, r.receipt, r.ordinal,
  r.rejected_at, r.replayed_as, r.message,
  (SELECT f.envelope FROM rejected AS f
   WHERE f.load_id = r.load_id AND f.batch = r.batch AND f.envelope IS NOT NULL LIMIT 1) AS envelope
FROM rejected AS r WHERE r.id = :id;

-- rejected_replayed
UPDATE rejected SET replayed_as = :receipt WHERE id = :id;

-- table_setting_list
SELECT * FROM table_setting ORDER BY integration_id, table_name;

-- table_setting_put
INSERT INTO table_setting
  (integration_id, table_name, flush_seconds, flush_rows, flush_bytes, on_conflict)
VALUES
  (:integration_id, :table_name, :flush_seconds, :flush_rows, :flush_bytes, :on_conflict)
ON CONFLICT DO UPDATE SET
  flush_seconds = excluded.flush_seconds, flush_rows = excluded.flush_rows,
  flush_bytes = excluded.flush_bytes, on_conflict = excluded.on_conflict;

-- table_list
SELECT table_name, count(*) AS columns FROM table_column
WHERE integration_id = :integration_id GROUP BY table_name ORDER BY table_name;

-- schema_change_put
INSERT INTO schema_change
  (load_id, integration_id, table_name, change, column_name, type, was, receipt, changed_at,
   token_id, person)
VALUES
  (:load_id, :integration_id, :table_name, :change, :column_name, :type, :was, :receipt,
   :changed_at, :token_id, :person);

-- schema_change_list
SELECT c.id, i.schema_name AS schema, c.table_name AS "table", c.change, c.column_name AS "column",
  c.type, c.was, c.receipt, c.changed_at, c.load_id, t.last_four AS token,
  c.person
FROM schema_change AS c
JOIN integration AS i ON i.id = c.integration_id
LEFT JOIN token AS t ON t.id = c.token_id
WHERE c.integration_id = :integration_id
  AND (:table_name IS NULL OR c.table_name = :table_name
       OR substr(c.table_name, 1, length(:table_name) + 2) = :table_name || '__')
ORDER BY c.id DESC LIMIT :limit;

-- stream_number_all
INSERT OR IGNORE INTO stream_number (integration_id, table_name)
SELECT integration_id, table_name FROM stream WHERE integration_id = :integration_id
ORDER BY table_name;

-- stream_numbers
SELECT id, table_name FROM stream_number WHERE integration_id = :integration_id ORDER BY table_name;

-- stream_page
SELECT i.schema_name AS source_name, s.table_name AS stream_name, s.last_loaded_at, s.error
FROM stream AS s JOIN integration AS i ON i.id = s.integration_id
WHERE s.last_loaded_at >= :since OR s.error IS NOT NULL
ORDER BY s.table_name, s.integration_id LIMIT :limit OFFSET :offset;

-- stream_page_total
SELECT count(*) AS number FROM stream WHERE last_loaded_at >= :since OR error IS NOT NULL;
