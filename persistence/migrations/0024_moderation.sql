-- Reports and the queue that moderators work through; what was decided is told to whom it concerns.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- What is to be judged: a message, a user, or a message that waits to be sent (kind held: message_id is its own). user_id
-- is whom it is about: the author, or the user. reports and reasons count the reports; score orders the queue. version
-- grows with each report and with the decision.
CREATE TABLE review_items (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('message', 'user', 'held')),
    conversation_id uuid,
    message_id uuid,
    user_id uuid NOT NULL,
    score bigint NOT NULL DEFAULT 0,
    reports bigint NOT NULL DEFAULT 0,
    reasons text[] NOT NULL DEFAULT '{}',
    -- A JSON object each, as text: a copy of what was reported, and of what stood around it, when it was first reported.
    evidence text NOT NULL,
    context text NOT NULL DEFAULT '[]',
    claimed_by text,
    claimed_until timestamptz,
    action text,
    reason text,
    note text,
    resolved_by text,
    resolved_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now())
);
CREATE UNIQUE INDEX review_items_open ON review_items (kind, coalesce(message_id, user_id)) WHERE resolved_at IS NULL;
CREATE INDEX review_items_queue ON review_items (score DESC, created_at, id) WHERE resolved_at IS NULL;
CREATE INDEX review_items_resolved ON review_items (resolved_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX review_items_of_user ON review_items (user_id, created_at);

-- target is the message's id, else the user's: each is reported once by the same person. No references: a report
-- outlives the message, the conversation and the accounts.
CREATE TABLE reports (
    id uuid PRIMARY KEY,
    item_id uuid NOT NULL,
    reporter_id uuid NOT NULL,
    target uuid NOT NULL,
    reason text NOT NULL,
    text text,
    evidence text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now()),
    UNIQUE (reporter_id, target)
);
CREATE INDEX reports_of_item ON reports (item_id, created_at);

-- What was done to somebody, and why: kept for them to read.
CREATE TABLE notices (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    action text NOT NULL,
    reason text NOT NULL,
    until timestamptz,
    conversation_id uuid,
    message_id uuid,
    created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
    PRIMARY KEY (user_id, id)
);
CREATE INDEX notices_newest ON notices (user_id, created_at DESC, id DESC);

-- Until when a moderator lets somebody say nothing in a conversation: read by a send from the row that it locks.
ALTER TABLE participants ADD COLUMN silenced_until timestamptz;

-- Null: for ever. Beside banned_at.
ALTER TABLE users ADD COLUMN banned_until timestamptz, ADD COLUMN ban_reason text;

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE review_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE reports ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices ENABLE ROW LEVEL SECURITY;
