"""The service that delivers webhooks, against real servers."""
