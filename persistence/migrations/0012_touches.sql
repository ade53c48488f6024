-- Messages that are edited, deleted, pinned, reacted to, and hidden by one who reads them.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- rev is the seq of the last event that touched the message; null: none, and it is the message's own seq. A deletion
-- leaves a tombstone: deleted_at, deleted_by (a user, or nobody) and deleted_as (author, admin, …), and of the rest only
-- what numbers and connects it. data is the app's own JSON, as text: jsonb refuses some of what JSON allows.
-- reactions is the JSON array that frames show, `[{"emoji","count"}]`, counted anew from the table below under the row's
-- lock: so that a page or a frame counts nothing. A message that nobody touched has null in all of them, which costs it
-- nothing.
ALTER TABLE messages
    ADD COLUMN rev bigint,
    ADD COLUMN edited_at timestamptz,
    ADD COLUMN deleted_at timestamptz,
    ADD COLUMN deleted_by uuid,
    ADD COLUMN deleted_as text,
    ADD COLUMN data text,
    ADD COLUMN reactions text;

-- What a message's text was before: rev is that of the message which had it, created_at when it was written.
CREATE TABLE message_edits (
    conversation_id uuid NOT NULL,
    message_seq bigint NOT NULL,
    rev bigint NOT NULL,
    text text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, message_seq, rev)
);

CREATE TABLE reactions (
    conversation_id uuid NOT NULL,
    message_seq bigint NOT NULL,
    emoji text COLLATE "C" NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, message_seq, emoji, user_id)
);
CREATE INDEX reactions_of_user ON reactions (conversation_id, message_seq, user_id);

-- What somebody deleted for themselves alone. hidden_xid as participants.moved_xid. hid_messages: there is any such row
-- of this participant, so that nobody else pays for looking.
CREATE TABLE hidden_messages (
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    message_seq bigint NOT NULL,
    message_id uuid NOT NULL,
    hidden_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (conversation_id, user_id, message_seq)
);
ALTER TABLE participants ADD COLUMN hid_messages boolean NOT NULL DEFAULT false;

-- A pushed message was deleted: true until its device was told, then false.
ALTER TABLE push_ledger ADD COLUMN withdraw boolean;
-- The ledger keeps seven days: built in a moment.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX push_ledger_withdraw ON push_ledger (updated_at) WHERE withdraw;

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE message_edits ENABLE ROW LEVEL SECURITY;
ALTER TABLE reactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE hidden_messages ENABLE ROW LEVEL SECURITY;
