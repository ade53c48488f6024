-- One's own things: a profile that one chose, drafts, saved messages, and how one keeps a conversation in the list.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Whether the user chose display_name and avatar_url themselves: their token's words then change them no more.
ALTER TABLE users
    ADD COLUMN own_name boolean NOT NULL DEFAULT false,
    ADD COLUMN own_avatar boolean NOT NULL DEFAULT false;

-- archived_ordinal: the conversation's last_ordinal when it was archived, and with it what brings it back: a message
-- above it. unread_seq: how far the user had read when they marked it unread; reading further ends the mark. Null: no.
-- So a send writes nothing for them.
ALTER TABLE participants
    ADD COLUMN archived_ordinal bigint,
    ADD COLUMN unread_seq bigint,
    ADD COLUMN pinned boolean NOT NULL DEFAULT false;

-- A draft that is gone stays for a while as a row without text, so that a phone which comes back late with an older one
-- does not bring it back.
CREATE TABLE drafts (
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    text text,
    reply_to uuid,
    attachments uuid[] NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
);
CREATE INDEX drafts_of_user ON drafts (user_id, updated_at);
CREATE INDEX drafts_gone ON drafts (updated_at) WHERE text IS NULL;

CREATE TABLE saved_messages (
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    message_seq bigint NOT NULL,
    message_id uuid NOT NULL,
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, user_id, message_seq)
);
CREATE INDEX saved_messages_of_user ON saved_messages (user_id, saved_at, message_id);

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE drafts ENABLE ROW LEVEL SECURITY;
ALTER TABLE saved_messages ENABLE ROW LEVEL SECURITY;
