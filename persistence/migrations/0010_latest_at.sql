-- The time of a conversation's last message. Until now updated_at was that too, and once a clock had been ahead and was
-- corrected, the conversation stayed on top of all lists until the clock had come so far again. Now updated_at is the
-- clock's word, and latest_at keeps created_at from falling within a conversation. Null: updated_at is.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE conversations ADD COLUMN latest_at timestamptz;
