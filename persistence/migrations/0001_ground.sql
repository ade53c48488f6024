-- The ground: users, conversations, their participants and messages, and the two outboxes.
--
-- Every table of a conversation's data begins its key with conversation_id: it partitions by hash of it, or spreads
-- over several machines by it, without a rewrite. Times are truncated to milliseconds, as the API shows them.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The epoch names this database's line of history. Restoring a backup means giving it a new one.
CREATE TABLE meta (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO meta DEFAULT VALUES;

-- A participant who never signed in has a row without a handle. version grows with each change of memberships.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    handle text,
    version bigint NOT NULL DEFAULT 0,
    last_seen_at timestamptz,
    banned_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now())
) WITH (fillfactor = 85);

-- The hottest row of all: each send moves last_seq, last_ordinal and updated_at, and its lock orders the senders.
-- So it stays narrow, has room on its page, and none of the three is in an index (a heap-only update then suffices).
-- direct_key is `lower id:higher id:bounty` for two people, and null for a group.
CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    last_seq bigint NOT NULL DEFAULT 0,
    last_ordinal bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    members bigint NOT NULL,
    is_group boolean NOT NULL,
    created_by uuid NOT NULL,
    name text,
    bounty_id text,
    direct_key text UNIQUE
) WITH (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000
);

-- Cursors hold the seq up to and with which a user has, took while looking, and read. read_ordinal counts the messages
-- up to read_seq, so unread = last_ordinal - greatest(read_ordinal, hidden_ordinal) without counting a row.
-- hidden_seq is the floor of what the user still sees; moved_xid the transaction that last moved delivered or read.
CREATE TABLE participants (
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    user_id uuid NOT NULL REFERENCES users (id),
    delivered_seq bigint NOT NULL DEFAULT 0,
    attended_seq bigint NOT NULL DEFAULT 0,
    read_seq bigint NOT NULL DEFAULT 0,
    read_ordinal bigint NOT NULL DEFAULT 0,
    hidden_seq bigint NOT NULL DEFAULT 0,
    hidden_ordinal bigint NOT NULL DEFAULT 0,
    moved_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    joined_at timestamptz NOT NULL,
    left_at timestamptz,
    muted_until timestamptz,
    hidden boolean NOT NULL DEFAULT false,
    PRIMARY KEY (conversation_id, user_id)
) WITH (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000
);
CREATE INDEX participants_by_user ON participants (user_id, conversation_id);

-- seq numbers every durable event of the conversation, ordinal only its messages. No reference to conversations: the
-- send statement holds that row while it inserts, and a check per message would be paid on the hottest path.
CREATE TABLE messages (
    conversation_id uuid NOT NULL,
    seq bigint NOT NULL,
    ordinal bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    id uuid NOT NULL,
    sender_id uuid NOT NULL,
    reply_to uuid,
    is_pinned boolean NOT NULL DEFAULT false,
    text text NOT NULL,
    client_id text,
    media_url text,
    PRIMARY KEY (conversation_id, seq),
    CONSTRAINT messages_sent_once UNIQUE (conversation_id, sender_id, client_id),
    UNIQUE (id, conversation_id)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
-- Finds what is recent after Redis lost its memory; messages arrive in the order of their time, so a few pages do.
CREATE INDEX messages_by_age ON messages USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);

-- Durable events that may not have been published yet, by reference: their frame is built from messages.
CREATE TABLE outbox (
    conversation_id uuid NOT NULL,
    seq bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0
);

-- Changes of memberships that may not have been published yet. kind is that of the envelope (JOINED, LEFT, HIDDEN).
CREATE TABLE user_outbox (
    user_id uuid NOT NULL,
    version bigint NOT NULL,
    kind bigint NOT NULL,
    conversation_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, version)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0
);

-- Without a policy: Supabase publishes every other table of `public` to the holders of its anon key. The owner, which
-- persistence connects as, is not bound by it.
ALTER TABLE meta ENABLE ROW LEVEL SECURITY;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE participants ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_outbox ENABLE ROW LEVEL SECURITY;
