-- Indexes of what is rare among messages: a plain one is in none of them, and its sending pays nothing. Each is built by a
-- scan during which nobody sends: past ten million messages make them before, by hand and CONCURRENTLY (docs/runbook.md,
-- "Indexes of a big table"). Not so here: a partitioned table does not take that.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '0';

-- What a compact sync looks for; what is not unread; the pinned; the replies to one.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS messages_touched ON messages (conversation_id, rev) WHERE rev IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS messages_gone ON messages (conversation_id, seq) WHERE deleted_at IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS messages_pinned ON messages (conversation_id, seq) WHERE is_pinned;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS messages_replies ON messages (conversation_id, reply_to, seq) WHERE reply_to IS NOT NULL;
