-- Links by which people come into a group. Of a link's token only the SHA-256 is kept: it is 256 random bits. One that
-- was revoked is gone; one that is spent stays until it expires, for who came in by it and asks again.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE invites (
    conversation_id uuid NOT NULL,
    id uuid NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    max_uses bigint,
    uses bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation_id, id)
);

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE invites ENABLE ROW LEVEL SECURITY;
