-- People with a phone who were added to a group, until a pusher tells them, or finds that somebody did.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE arrivals (
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    added_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
);
CREATE INDEX arrivals_by_age ON arrivals (created_at);

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE arrivals ENABLE ROW LEVEL SECURITY;
