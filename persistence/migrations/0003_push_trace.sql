-- What the trace of a message is told from, beside the push ledger.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- A short history of how far each participant had come and when. One row a move, not one a message and member; kept for
-- two days and deleted in the order of its age, so it has no key of its own.
CREATE TABLE cursor_moves (
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    delivered_seq bigint NOT NULL,
    attended_seq bigint NOT NULL,
    read_seq bigint NOT NULL
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX cursor_moves_by_conversation ON cursor_moves (conversation_id, moved_at);
CREATE INDEX cursor_moves_by_age ON cursor_moves USING brin (moved_at) WITH (pages_per_range = 32, autosummarize = on);

-- Why the user was to be told: offline when the message came, or online without taking it in time.
ALTER TABLE push_ledger ADD COLUMN cause text;
ALTER TABLE push_decisions ADD COLUMN cause text;

-- The number that a user's phones show, for as long as it may be too high: it is lowered when they read elsewhere.
CREATE TABLE badges (
    user_id uuid PRIMARY KEY,
    shown bigint NOT NULL,
    -- Since when the user has read something after it was shown; NULL: nothing.
    stale_since timestamptz,
    lowered_at timestamptz
) WITH (fillfactor = 85);
CREATE INDEX badges_stale ON badges (stale_since) WHERE stale_since IS NOT NULL;

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE cursor_moves ENABLE ROW LEVEL SECURITY;
ALTER TABLE badges ENABLE ROW LEVEL SECURITY;
