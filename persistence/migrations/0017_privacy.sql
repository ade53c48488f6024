-- Who does not want others to know how far they have read, or when they were last here. Both ways: they do not see it of
-- others either.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE preferences
    ADD COLUMN read_receipts boolean NOT NULL DEFAULT true,
    ADD COLUMN last_seen text NOT NULL DEFAULT 'everyone' CHECK (last_seen IN ('everyone', 'nobody'));

-- How far somebody has read who tells nobody. read_seq, which others see, then moves by their own sends alone; what
-- counts for themselves is the greater of the two. own_moved_xid as moved_xid, for their own devices' sync: others
-- must not see that anything moved.
ALTER TABLE participants
    ADD COLUMN own_read_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN own_read_ordinal bigint NOT NULL DEFAULT 0,
    ADD COLUMN own_moved_xid xid8;

-- So that a badge follows such a reading, too.
ALTER TABLE cursor_moves ADD COLUMN own_read_seq bigint NOT NULL DEFAULT 0;
