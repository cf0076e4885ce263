"""Rewards of the catalogue and the coupons issued for them."""
