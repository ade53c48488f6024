-- Durable events that are no message: a conversation's log is its messages and these, in the order of seq.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- kind is a code of shared/events, whose list says what stands in body: a JSON object of ids, words and counts, never a
-- message's text, and never changed. people is how many are in the conversation after the event, 0 where that did not
-- change; removed are the users whom it takes out. message_id is the message that the event is about. No ordinal: only
-- messages count. No reference to conversations, as messages has none: the writer holds that row.
CREATE TABLE events (
    conversation_id uuid NOT NULL,
    seq bigint NOT NULL,
    kind bigint NOT NULL,
    people bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    sender_id uuid NOT NULL,
    message_id uuid,
    removed uuid[],
    body bytea NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX events_of_message ON events (conversation_id, message_id) WHERE message_id IS NOT NULL;

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
