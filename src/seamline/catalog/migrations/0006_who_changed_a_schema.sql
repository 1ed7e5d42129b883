-- The token of the request a change of a schema was first needed for.
ALTER TABLE schema_change ADD COLUMN token_id INTEGER REFERENCES token (id);
