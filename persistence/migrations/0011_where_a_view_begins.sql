-- What a member sees of a conversation begins above three numbers: their join, their own clearing (hidden_seq, as
-- before), and the conversation's retention. Each has an ordinal beside it, so that unread is counted without a row.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE participants
    ADD COLUMN joined_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN joined_ordinal bigint NOT NULL DEFAULT 0;
ALTER TABLE conversations
    ADD COLUMN floor_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN floor_ordinal bigint NOT NULL DEFAULT 0;
