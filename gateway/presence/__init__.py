"""Who is online: one lease for this gateway, one entry for each of its users, and the news of all gateways' changes."""
