-- Gives up between step 1 and step 3: `messages` and `events` were never touched, their copies go.
BEGIN;
SET LOCAL lock_timeout = '5s';
DROP TRIGGER copy_on_write ON messages;
DROP TABLE messages_partitioned;
DROP FUNCTION copy_message_on_write;
DROP PROCEDURE copy_messages;
DROP TRIGGER copy_on_write ON events;
DROP TABLE events_partitioned;
DROP FUNCTION copy_event_on_write;
DROP PROCEDURE copy_events;
DROP PROCEDURE copy_log;
COMMIT;
