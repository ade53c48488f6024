-- Who blocks whom. In the conversations of two a block is a leave with a marker, so that a send looks up nothing more.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- blocked_id may be somebody whom nobody knows yet: no reference.
CREATE TABLE blocks (
    blocker_id uuid NOT NULL,
    blocked_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (blocker_id, blocked_id)
);
CREATE INDEX blocks_of_blocked ON blocks (blocked_id, blocker_id);

-- withdrawn_at: the user is out of a conversation of two for themselves, and still the other one for who stays (a
-- block; then left_at is set, too). barred: one of the two withdrew, and nothing new is said there.
ALTER TABLE participants
    ADD COLUMN withdrawn_at timestamptz,
    ADD COLUMN barred boolean NOT NULL DEFAULT false;

-- The transaction that last changed whom the user blocks; null: they never blocked anybody.
ALTER TABLE users ADD COLUMN blocks_xid xid8;

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE blocks ENABLE ROW LEVEL SECURITY;
