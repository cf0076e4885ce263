"""What must reach a shop, written in the transaction that decided it."""
