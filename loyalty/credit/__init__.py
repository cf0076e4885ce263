"""Store credit: money that a member has with the account, beside his points and never mixed with them."""
