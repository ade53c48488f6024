-- What a user's token says of them besides the handle, for others to see.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE users ADD COLUMN display_name text;
ALTER TABLE users ADD COLUMN avatar_url text;
