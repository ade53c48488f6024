-- What a message may carry beside its text: whom it mentions, whom a forward is from, a link's preview, and a time at
-- which it is gone. And messages that wait for their time to be sent.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- mentions are who is mentioned; the id of nobody (all zeros) stands for all. notified are those of the sending, where
-- an edit changed them since: only those are pushed. extra is a JSON object of what frames show, `{"mentions",
-- "forwarded", "preview"}`, as text. expires_at: from then on every statement takes the message for deleted. A message
-- that has none of it has null in all of them, which costs it nothing.
ALTER TABLE messages
    ADD COLUMN mentions uuid[],
    ADD COLUMN notified uuid[],
    ADD COLUMN extra text,
    ADD COLUMN expires_at timestamptz;

-- has_mentions: some message of it ever mentioned somebody. expired_xid: null where none of its messages ever expires;
-- else the transaction that last sent such a one, or erased some. Both are null for most, and then nobody looks.
ALTER TABLE conversations
    ADD COLUMN has_mentions boolean,
    ADD COLUMN expired_xid xid8;

-- Muted, but for what mentions the user.
ALTER TABLE participants ADD COLUMN mentions_only boolean;

-- draft is the message as JSON, as its author gave it; '{}' once it ended. state is waiting, sending (a worker took it,
-- and it may have been sent), sent, failed (with the code of the refusal) or cancelled. due_at is when a worker takes it:
-- the time to send, or the end of a worker's lease; null where none does any more. An ended one is kept for a while, so
-- that who asks too late is told why.
CREATE TABLE scheduled (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    send_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    ended_at timestamptz,
    state text NOT NULL,
    failure text,
    draft text NOT NULL,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX scheduled_due ON scheduled (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX scheduled_listed ON scheduled (user_id, send_at, id) WHERE ended_at IS NULL;
CREATE INDEX scheduled_ended ON scheduled (ended_at) WHERE ended_at IS NOT NULL;

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE scheduled ENABLE ROW LEVEL SECURITY;
