-- Whose tokens are refused although they are signed and in time: one sign-in that was revoked, or a user who is banned.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- subject is `session:` and the session_id of the tokens, or `user:` and a user's id. A ban that was lifted stays for a
-- while with refused = false, so that every process hears of it. changed_xid is the transaction of the last change:
-- whoever asks for what changed since the oldest one that was running when they asked last misses none.
CREATE TABLE refusals (
    subject text PRIMARY KEY,
    refused boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX refusals_changed ON refusals (changed_xid);
CREATE INDEX refusals_age ON refusals (expires_at) WHERE expires_at IS NOT NULL;

INSERT INTO refusals (subject) SELECT 'user:' || id FROM users WHERE banned_at IS NOT NULL;

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE refusals ENABLE ROW LEVEL SECURITY;
