"""Load, decide, save: the one way by which points and tiers move."""
