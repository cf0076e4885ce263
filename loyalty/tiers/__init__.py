"""Tiers: who qualifies, since when, and what is missing to the next."""
