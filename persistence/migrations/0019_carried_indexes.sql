-- Indexes of what is rare among messages, as in 0013: past ten million messages make them before, by hand and
-- CONCURRENTLY (docs/runbook.md, "Indexes of a big table").
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '0';

-- The messages that mention somebody; those that will be gone, by when.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS messages_mentioning ON messages (conversation_id, seq) WHERE mentions IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS messages_expiring ON messages (expires_at) WHERE expires_at IS NOT NULL;
