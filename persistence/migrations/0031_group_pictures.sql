-- Where a group's picture is fetched: an absolute address, as that of a user's picture.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE groups ADD COLUMN avatar_url text;
