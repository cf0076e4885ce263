"""Read-only SQL over all topics."""
