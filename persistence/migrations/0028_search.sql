-- What messages are found by: their words as they are compared (persistence/search/folding.py), apart from the messages,
-- which a send writes. A message has a row unless it is opaque or deleted; a follower fills it in after the send.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- By time, so that a search reads each conversation from the newest, from any moment on. In bytes (COLLATE "C"): what is
-- compared was folded before, so no locale of the database matters.
CREATE TABLE search (
    conversation_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    seq bigint NOT NULL,
    body text COLLATE "C" NOT NULL,
    PRIMARY KEY (conversation_id, created_at, seq)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

-- How far the messages from before this table have been filled in: up to and with (conversation_id, seq). done_at: all.
CREATE TABLE search_fill (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    conversation_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    seq bigint NOT NULL DEFAULT 0,
    messages_read bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz
);
INSERT INTO search_fill DEFAULT VALUES;

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE search ENABLE ROW LEVEL SECURITY;
ALTER TABLE search_fill ENABLE ROW LEVEL SECURITY;
