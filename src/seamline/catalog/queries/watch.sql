-- hook_create
INSERT INTO hook (destination_id, url, secret, created_at, modified_at)
VALUES (:destination_id, :url, :secret, :now, :now) RETURNING id;

-- hook_list
SELECT id, destination_id, url, secret, created_at, modified_at, disabled_at FROM hook ORDER BY id;

-- hook_set_disabled
UPDATE hook SET disabled_at = :at, modified_at = :now WHERE id = :id;

-- hook_delete
DELETE FROM hook WHERE id = :id;

-- hook_delete_of_destination
DELETE FROM hook WHERE destination_id = :destination_id;

-- hook_hold
INSERT INTO hook_call (hook_id, load_id, body)
SELECT h.id, :load_id, :body FROM hook AS h
JOIN integration AS i ON i.destination_id = h.destination_id
WHERE i.id = :integration_id AND h.disabled_at IS NULL;

-- hook_let_go
UPDATE hook_call SET state = 'due', due_at = :now WHERE load_id = :load_id AND state = 'held';

-- hook_drop_of_load
DELETE FROM hook_call WHERE load_id = :load_id AND state = 'held';

-- hook_due
SELECT c.id, c.hook_id, c.body, c.attempts, h.url, h.secret, h.disabled_at
FROM hook_call AS c JOIN hook AS h ON h.id = c.hook_id
WHERE c.state = 'due' AND c.due_at <= :now ORDER BY c.due_at, c.id LIMIT 100;

-- hook_tried
UPDATE hook_call SET state = :state, attempts = attempts + 1, due_at = :due_at, answer = :answer,
  ended_at = :ended_at
WHERE id = :id;

-- hook_calls
SELECT c.id, c.hook_id, c.load_id, c.state, c.attempts, c.due_at, c.answer, c.ended_at,
  l.table_name AS "table", i.schema_name AS schema
FROM hook_call AS c JOIN load AS l ON l.id = c.load_id JOIN integration AS i ON i.id = l.integration_id
WHERE c.state <> 'held' ORDER BY c.id DESC LIMIT :limit;

-- hook_trim
DELETE FROM hook_call WHERE ended_at < :before;

-- email_create
INSERT INTO custom_email (email_address, created_at) VALUES (:email_address, :now)
RETURNING id, email_address, created_at, disabled_at;

-- email_list
SELECT id, email_address, created_at, disabled_at FROM custom_email ORDER BY id;

-- email_set_disabled
UPDATE custom_email SET disabled_at = :at WHERE id = :id;

-- email_delete
DELETE FROM custom_email WHERE id = :id;

-- notification_raise
INSERT INTO notification
  (kind, level, category, about, integration_id, table_name, text, count, opened_at, last_at,
   mail_at)
VALUES
  (:kind, :level, :category, :about, :integration_id, :table_name, :text, :count, :now, :now,
   :mail_at)
ON CONFLICT (kind, about) WHERE resolved_at IS NULL
DO UPDATE SET text = excluded.text, count = count + excluded.count, last_at = excluded.last_at;

-- notification_resolve
UPDATE notification SET resolved_at = :now WHERE kind = :kind AND about = :about
  AND resolved_at IS NULL;

-- notification_resolve_loaded
UPDATE notification SET resolved_at = :now
WHERE resolved_at IS NULL AND (
  (kind = 'jammed-read-head' AND about = :stream)
  OR (kind = 'loading-error' AND about = 'destination/' || (
    SELECT destination_id FROM integration WHERE id = :integration_id)));

-- notification_dismiss
UPDATE notification SET dismissed_at = :now,
  resolved_at = CASE WHEN kind IN ('jammed-read-head', 'loading-error', 'import-api')
    THEN resolved_at ELSE :now END
WHERE id = :id AND dismissed_at IS NULL;

-- notification_list
SELECT n.id, n.kind, n.level, n.category, n.about, i.schema_name AS schema, n.integration_id,
  n.table_name AS "table", n.text, n.count, n.opened_at, n.last_at, n.dismissed_at, n.resolved_at
FROM notification AS n LEFT JOIN integration AS i ON i.id = n.integration_id
WHERE :everything OR (n.resolved_at IS NULL AND n.dismissed_at IS NULL)
ORDER BY n.id DESC LIMIT :limit;

-- notification_to_mail
SELECT id, kind, level, text, count, opened_at FROM notification
WHERE resolved_at IS NULL AND dismissed_at IS NULL AND mailed_at IS NULL AND mail_at <= :now
ORDER BY id;

-- notification_mailed
UPDATE notification SET mailed_at = :now WHERE id = :id;

-- notification_incidents
SELECT id, kind, level, about, opened_at, resolved_at FROM notification
WHERE kind IN ('import-api', 'loading-error', 'jammed-read-head') AND opened_at >= :since
ORDER BY id DESC LIMIT 100;

-- check_put
INSERT INTO connection_check (destination_id, started_at, completed_at, ok, steps)
VALUES (:destination_id, :started_at, :completed_at, :ok, :steps)
ON CONFLICT DO UPDATE SET started_at = excluded.started_at, completed_at = excluded.completed_at,
  ok = excluded.ok, steps = excluded.steps;

-- check_get
SELECT started_at, completed_at, ok, steps FROM connection_check
WHERE destination_id = :destination_id;
