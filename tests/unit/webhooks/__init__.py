"""What the service that delivers webhooks decides alone."""
