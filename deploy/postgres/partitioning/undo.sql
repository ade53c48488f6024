-- Gives up between step 1 and step 3: `messages` was never touched, its copy goes.
BEGIN;
SET LOCAL lock_timeout = '5s';
DROP TRIGGER copy_on_write ON messages;
DROP TABLE messages_partitioned;
DROP FUNCTION copy_message_on_write;
DROP PROCEDURE copy_messages;
COMMIT;
