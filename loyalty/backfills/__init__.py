"""The past of a shop, read once at a merchant's wish."""
