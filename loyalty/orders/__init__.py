"""The newest snapshot of each order: our copy of the shop's truth, with what the fold made of it."""
