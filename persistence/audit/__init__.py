"""What moderators, admins, server keys and operators did: written once, never changed."""
