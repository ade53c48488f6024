-- Webhooks: whom the app's backend wants called, and a row for each event that each of these is to be told.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- events are types, or `*`. secret and old_secret are encrypted by SECRETS_KEY: unlike a key they must be used. Both
-- sign until old_until. failing_since is the first failure after the last success.
CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    url text NOT NULL,
    events text[] NOT NULL,
    description text NOT NULL DEFAULT '',
    batch bigint NOT NULL DEFAULT 1,
    secret bytea NOT NULL,
    old_secret bytea,
    old_until timestamptz,
    is_active boolean NOT NULL DEFAULT true,
    disabled_reason text,
    failing_since timestamptz,
    succeeded_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now())
);

-- event_id is made of what the event is, so who notes the same event again notes nothing. One with a seq is read from
-- the log when it is sent; any other has its payload here, and the nil UUID for its conversation where it has none.
-- state is waiting, delivered or failed; lease_until is until when one that waits is in somebody's hands.
CREATE TABLE hook_deliveries (
    conversation_id uuid NOT NULL,
    event_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    type text NOT NULL,
    seq bigint,
    at timestamptz NOT NULL,
    payload text,
    state text NOT NULL DEFAULT 'waiting',
    attempts bigint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    lease_until timestamptz,
    last_status bigint,
    last_error text,
    answer text,
    ms bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (conversation_id, event_id, webhook_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX hook_deliveries_due ON hook_deliveries (webhook_id, due_at, seq) WHERE state = 'waiting';
CREATE INDEX hook_deliveries_held ON hook_deliveries (webhook_id, lease_until)
    WHERE state = 'waiting' AND lease_until IS NOT NULL;
CREATE INDEX hook_deliveries_listed ON hook_deliveries (webhook_id, created_at);

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY;
ALTER TABLE hook_deliveries ENABLE ROW LEVEL SECURITY;
