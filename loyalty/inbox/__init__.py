"""What shops sent or answered, durable before anything else happens to it."""
