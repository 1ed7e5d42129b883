-- What machines that watch want to know of each table, summed up since its first load.
ALTER TABLE stream ADD COLUMN loads INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stream ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stream ADD COLUMN load_seconds REAL NOT NULL DEFAULT 0;
