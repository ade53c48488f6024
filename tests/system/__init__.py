"""All services together: faults, restarts, the whole way from phone to phone."""
