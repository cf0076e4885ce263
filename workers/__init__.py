"""Entry points of the background work: each job opens a transaction, calls one thing and closes it."""
