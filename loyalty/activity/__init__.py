"""The audit log: who did what, when, in words a merchant can read."""
