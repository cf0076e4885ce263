"""Who brought whom, and what became of it."""
