-- The messages with files, for the media page of a conversation: a plain message is not in it. As in 0013: past ten
-- million messages make it before, by hand and CONCURRENTLY.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '0';

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS messages_with_files ON messages (conversation_id, seq) WHERE attachments IS NOT NULL;
