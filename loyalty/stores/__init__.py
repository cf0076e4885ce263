"""Connected shops of an account: address, encrypted credentials, state."""
