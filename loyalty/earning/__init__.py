"""How an order becomes points: bases, campaigns, refunds, one rounding per order."""
