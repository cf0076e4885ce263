"""What people and other systems must be told, each once; channels deliver it."""
