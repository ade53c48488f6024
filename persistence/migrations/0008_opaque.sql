-- A message whose text is its app's own, encrypted perhaps: no push and no list shows it.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE messages ADD COLUMN opaque boolean NOT NULL DEFAULT false;
