"""Numbers for the product: hours and days rolled up from what Postgres knows anyway; no user and no text is in them."""
