"""The domain of Laurel: points, tiers and coupons, and the ledger that proves them."""
