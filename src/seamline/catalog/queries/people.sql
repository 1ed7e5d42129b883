-- account_create
INSERT OR IGNORE INTO account (id, client_id, created_at) VALUES (1, :client_id, :now);

-- account_client_id
SELECT client_id FROM account WHERE id = 1;

-- account_offer_setup
UPDATE account SET setup_hash = :hash WHERE id = 1 AND NOT EXISTS (SELECT 1 FROM user);

-- account_with_setup
SELECT id FROM account WHERE setup_hash = :hash AND NOT EXISTS (SELECT 1 FROM user);

-- account_end_setup
UPDATE account SET setup_hash = NULL
WHERE setup_hash = :setup AND NOT EXISTS (SELECT 1 FROM user);

-- user_create
INSERT INTO user (login, role, password_hash, invite_hash, created_at)
VALUES (:login, :role, :password_hash, :invite_hash, :now) RETURNING id;

-- user_list
SELECT id, login, role, created_at, deactivated_at, password_hash IS NULL AS invited
FROM user ORDER BY id;

-- user_by_login
SELECT id, login, role, password_hash, deactivated_at FROM user WHERE login = :login;

-- user_by_invite
SELECT id, login FROM user WHERE invite_hash = :hash AND deactivated_at IS NULL;

-- user_set_password
UPDATE user SET password_hash = :password_hash, invite_hash = NULL WHERE id = :id;

-- user_set_invite
UPDATE user SET invite_hash = :hash WHERE id = :id;

-- user_set_role
UPDATE user SET role = :role WHERE id = :id;

-- user_set_deactivated
UPDATE user SET deactivated_at = :at WHERE id = :id;

-- user_admins
SELECT count(*) AS number FROM user WHERE role = 'admin' AND deactivated_at IS NULL
  AND password_hash IS NOT NULL;

-- session_create
INSERT INTO session (hash, user_id, created_at, expires_at)
VALUES (:hash, :user_id, :now, :expires_at);

-- session_get
SELECT u.id, u.login, u.role FROM session AS s JOIN user AS u ON u.id = s.user_id
WHERE s.hash = :hash AND s.expires_at > :now AND u.deactivated_at IS NULL;

-- session_end
DELETE FROM session WHERE hash = :hash;

-- session_end_of_user
DELETE FROM session WHERE user_id = :user_id;

-- session_trim
DELETE FROM session WHERE expires_at <= :now;

-- api_key_create
INSERT INTO api_key (hash, last_four, description, created_by, created_at)
VALUES (:hash, :last_four, :description, :created_by, :now) RETURNING id;

-- api_key_list
SELECT id, last_four, description, created_by, created_at, disabled_at FROM api_key ORDER BY id;

-- api_key_enabled
SELECT id FROM api_key WHERE hash = :hash AND disabled_at IS NULL;

-- api_key_set_disabled
UPDATE api_key SET disabled_at = :at WHERE id = :id;

-- api_key_delete
DELETE FROM api_key WHERE id = :id;

-- destination_sealed
SELECT id, config FROM destination;

-- destination_reseal
UPDATE destination SET config = :config WHERE id = :id;

-- hook_sealed
SELECT id, url, secret FROM hook;

-- hook_reseal
UPDATE hook SET url = :url, secret = :secret WHERE id = :id;
