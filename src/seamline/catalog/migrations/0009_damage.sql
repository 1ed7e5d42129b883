-- Why nothing became of a batch: its bytes in the queue were damaged.
ALTER TABLE receipt ADD COLUMN damage TEXT;
