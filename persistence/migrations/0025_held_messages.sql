-- Messages that wait for a moderator before they are sent: beside the log, which they enter by an ordinary send.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- body is the request's JSON, empty once it was rejected; base_url where its files are fetched. state is waiting, approved
-- (to be sent, and gone then) or rejected.
CREATE TABLE held_messages (
    conversation_id uuid NOT NULL,
    id uuid NOT NULL,
    sender_id uuid NOT NULL,
    client_id text NOT NULL,
    body text NOT NULL,
    base_url text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'approved', 'rejected')),
    reason text,
    created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now()),
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (conversation_id, id),
    UNIQUE (conversation_id, sender_id, client_id)
);
CREATE INDEX held_messages_of_sender ON held_messages (sender_id) WHERE state = 'waiting';
CREATE INDEX held_messages_due ON held_messages (changed_at) WHERE state <> 'waiting';

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE held_messages ENABLE ROW LEVEL SECURITY;
