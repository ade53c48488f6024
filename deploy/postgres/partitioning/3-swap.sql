-- Step 3 of 3: the partitioned tables take the places of the old ones, in one short transaction that waits for no more than
-- five seconds; where it could not get its lock, nothing happened: run it again. Compares both tables first (that part
-- reads all, and holds no lock that anybody would notice).
DO $$
BEGIN
    IF EXISTS (SELECT FROM messages m WHERE NOT EXISTS (
        SELECT FROM messages_partitioned p
        WHERE p.conversation_id = m.conversation_id AND p.seq = m.seq AND p.id = m.id AND p.updated_at = m.updated_at
    )) THEN
        RAISE EXCEPTION 'messages_partitioned lacks rows: run 2-copy.sql to its end';
    END IF;
    IF EXISTS (SELECT FROM events e WHERE NOT EXISTS (
        SELECT FROM events_partitioned p WHERE p.conversation_id = e.conversation_id AND p.seq = e.seq AND p.kind = e.kind
    )) THEN
        RAISE EXCEPTION 'events_partitioned lacks rows: run 2-copy.sql to its end';
    END IF;
END
$$;

BEGIN;
SET LOCAL lock_timeout = '5s';
LOCK TABLE messages, events IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER copy_on_write ON messages;
ALTER TABLE messages RENAME TO messages_before_partitioning;
ALTER TABLE messages_before_partitioning RENAME CONSTRAINT messages_pkey TO messages_before_partitioning_pkey;
ALTER TABLE messages_before_partitioning RENAME CONSTRAINT messages_sent_once TO messages_before_partitioning_sent_once;
ALTER TABLE messages_before_partitioning
    RENAME CONSTRAINT messages_id_conversation_id_key TO messages_before_partitioning_id_conversation_id_key;
ALTER INDEX messages_by_age RENAME TO messages_before_partitioning_by_age;
ALTER INDEX messages_touched RENAME TO messages_before_partitioning_touched;
ALTER INDEX messages_gone RENAME TO messages_before_partitioning_gone;
ALTER INDEX messages_pinned RENAME TO messages_before_partitioning_pinned;
ALTER INDEX messages_replies RENAME TO messages_before_partitioning_replies;
ALTER INDEX messages_mentioning RENAME TO messages_before_partitioning_mentioning;
ALTER INDEX messages_with_files RENAME TO messages_before_partitioning_with_files;
ALTER INDEX messages_expiring RENAME TO messages_before_partitioning_expiring;
ALTER TABLE messages_partitioned RENAME TO messages;
ALTER TABLE messages RENAME CONSTRAINT messages_partitioned_pkey TO messages_pkey;
ALTER TABLE messages RENAME CONSTRAINT messages_partitioned_sent_once TO messages_sent_once;
ALTER TABLE messages RENAME CONSTRAINT messages_partitioned_id_conversation_id_key TO messages_id_conversation_id_key;
ALTER INDEX messages_partitioned_by_age RENAME TO messages_by_age;
ALTER INDEX messages_partitioned_touched RENAME TO messages_touched;
ALTER INDEX messages_partitioned_gone RENAME TO messages_gone;
ALTER INDEX messages_partitioned_pinned RENAME TO messages_pinned;
ALTER INDEX messages_partitioned_replies RENAME TO messages_replies;
ALTER INDEX messages_partitioned_mentioning RENAME TO messages_mentioning;
ALTER INDEX messages_partitioned_with_files RENAME TO messages_with_files;
ALTER INDEX messages_partitioned_expiring RENAME TO messages_expiring;
DROP PROCEDURE copy_messages;
DROP FUNCTION copy_message_on_write;

DROP TRIGGER copy_on_write ON events;
ALTER TABLE events RENAME TO events_before_partitioning;
ALTER TABLE events_before_partitioning RENAME CONSTRAINT events_pkey TO events_before_partitioning_pkey;
ALTER INDEX events_of_message RENAME TO events_before_partitioning_of_message;
ALTER TABLE events_partitioned RENAME TO events;
ALTER TABLE events RENAME CONSTRAINT events_partitioned_pkey TO events_pkey;
ALTER INDEX events_partitioned_of_message RENAME TO events_of_message;
DROP PROCEDURE copy_events;
DROP PROCEDURE copy_log;
DROP FUNCTION copy_event_on_write;
COMMIT;

ANALYZE messages;
ANALYZE events;
