"""What gateways and pushers ask of persistence, on the internal port."""
