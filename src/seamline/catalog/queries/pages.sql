-- hour_count
INSERT INTO load_hour
  (hour, integration_id, table_name, loads, failed, records, rows, rejected, stale)
SELECT substr(:now, 1, 13), integration_id, table_name, state = 'loaded', state <> 'loaded',
  CASE WHEN state = 'loaded' THEN records ELSE 0 END,
  (SELECT coalesce(sum(value), 0) FROM json_each(rows_by_table)), rejected, stale
FROM load WHERE id = :id
ON CONFLICT DO UPDATE SET loads = loads + excluded.loads, failed = failed + excluded.failed,
  records = records + excluded.records, rows = rows + excluded.rows,
  rejected = rejected + excluded.rejected, stale = stale + excluded.stale;

-- hours_of_integrations
SELECT integration_id, sum(rows) AS rows, sum(records) AS records, sum(rejected) AS rejected,
  sum(stale) AS stale, sum(loads) AS loads, sum(failed) AS failed
FROM load_hour WHERE hour >= :since GROUP BY integration_id;

-- hours_of_tables
SELECT table_name, sum(rows) AS rows, sum(records) AS records, sum(rejected) AS rejected,
  sum(stale) AS stale
FROM load_hour WHERE integration_id = :integration_id AND hour >= :since GROUP BY table_name;

-- hours
SELECT hour, sum(rows) AS rows, sum(rejected) AS rejected, sum(failed) AS failed
FROM load_hour
WHERE hour >= :since AND (:integration_id IS NULL OR integration_id = :integration_id)
  AND (:table_name IS NULL OR table_name = :table_name)
GROUP BY hour ORDER BY hour;

-- freshness_recent
SELECT r.received_at, l.finished_at FROM load AS l JOIN receipt AS r ON r.load_id = l.id
WHERE l.id > (SELECT max(id) - 200 FROM load) AND l.state = 'loaded'
  AND (:integration_id IS NULL OR l.integration_id = :integration_id)
  AND (:table_name IS NULL OR l.table_name = :table_name)
LIMIT 2000;

-- rate_recent
SELECT coalesce(sum(records), 0) AS records FROM load
WHERE started_at >= :since AND state = 'loaded';

-- streams_of_integration
SELECT table_name AS "table", rows_loaded, rows_rejected, last_loaded_at, error, failed_attempts,
  retry_at
FROM stream WHERE integration_id = :integration_id ORDER BY table_name;

-- streams_summed
SELECT integration_id, count(*) AS tables, max(last_loaded_at) AS last_loaded_at,
  count(error) AS failing, sum(rows_loaded) AS rows_loaded
FROM stream GROUP BY integration_id;

-- rejected_groups
SELECT r.integration_id, i.schema_name AS schema, r.table_name AS "table", r.reason,
  count(*) AS number, max(r.id) AS newest, max(r.rejected_at) AS last_at, max(r.whole) AS whole
FROM rejected AS r JOIN integration AS i ON i.id = r.integration_id
WHERE r.replayed_as IS NULL
  AND (:integration_id IS NULL OR r.integration_id = :integration_id)
GROUP BY r.integration_id, r.table_name, r.reason ORDER BY newest DESC LIMIT 200;

-- rejected_of_group
SELECT id FROM rejected
WHERE integration_id = :integration_id AND table_name = :table_name AND reason = :reason
  AND replayed_as IS NULL AND whole AND id > :after AND id <= :last
ORDER BY id LIMIT :limit;

-- rejected_group_size
SELECT count(*) AS number, coalesce(max(id), 0) AS last FROM rejected
WHERE integration_id = :integration_id AND table_name = :table_name AND reason = :reason
  AND replayed_as IS NULL AND whole;

-- rejected_counts
SELECT integration_id, count(*) AS number FROM rejected WHERE replayed_as IS NULL
GROUP BY integration_id;

-- receipts_recent
SELECT r.id, r.integration_id, i.schema_name AS schema, r.table_name AS "table", r.records,
  r.received_at, r.loaded, r.rejected, r.stale, l.state, l.finished_at
FROM receipt AS r JOIN integration AS i ON i.id = r.integration_id
LEFT JOIN load AS l ON l.id = r.load_id
ORDER BY r.id DESC LIMIT :limit;

-- notifications_open
SELECT count(*) AS number FROM notification WHERE resolved_at IS NULL AND dismissed_at IS NULL;

-- receipts_of
SELECT r.id, r.table_name AS "table", r.records, r.received_at, r.loaded, r.rejected, r.stale
FROM load AS l JOIN receipt AS r ON r.load_id = l.id
WHERE l.id = (
  SELECT max((SELECT id FROM load WHERE integration_id = s.integration_id
              AND table_name = s.table_name AND state = 'loaded' ORDER BY id DESC LIMIT 1))
  FROM stream AS s WHERE s.integration_id = :integration_id)
ORDER BY r.id DESC LIMIT :limit;
