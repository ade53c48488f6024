-- Devices, what was pushed to them, and what their owners want to hear.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE devices (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- A token is on one device at a time: it moves to whoever registered it last.
    token text NOT NULL UNIQUE,
    user_id uuid NOT NULL,
    device_id text,
    platform text CHECK (platform IN ('ios', 'android')),
    registered_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX devices_user ON devices (user_id);

CREATE TABLE preferences (
    user_id uuid PRIMARY KEY,
    messages_enabled boolean NOT NULL DEFAULT true,
    -- NULL: the deployment's default.
    preview text CHECK (preview IN ('full', 'sender', 'none')),
    -- Minutes after midnight in `time_zone`; quiet from start until before end, over midnight where end is the smaller.
    quiet_start bigint CHECK (quiet_start BETWEEN 0 AND 1439),
    quiet_end bigint CHECK (quiet_end BETWEEN 0 AND 1439),
    time_zone text,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- One row for each (message, device) that a push was tried for: the memory that makes it one push.
-- `calling`: a worker may be at it until lease_until; after that its call's outcome is ambiguous.
CREATE TABLE push_ledger (
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    device_id uuid NOT NULL,
    seq bigint NOT NULL,
    user_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('calling', 'sent', 'rejected')),
    attempts bigint NOT NULL DEFAULT 1,
    lease_until timestamptz NOT NULL,
    reason text,
    ticket_id text,
    token_registered_at timestamptz,
    -- When Expo is to be asked for the receipt of the ticket; NULL: never (again).
    receipt_due_at timestamptz,
    receipt_checks bigint NOT NULL DEFAULT 0,
    receipt text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (conversation_id, message_id, device_id)
);
CREATE INDEX push_ledger_receipts_due ON push_ledger (receipt_due_at) WHERE receipt_due_at IS NOT NULL;
CREATE INDEX push_ledger_age ON push_ledger (created_at);

-- Why a user was, or was not, pushed: the part of a message's life that leaves no other trace.
CREATE TABLE push_decisions (
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    user_id uuid NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL,
    PRIMARY KEY (conversation_id, message_id, user_id)
);
CREATE INDEX push_decisions_age ON push_decisions (decided_at);

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE push_ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE push_decisions ENABLE ROW LEVEL SECURITY;
