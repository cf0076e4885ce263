"""The tenant: one merchant with one program, one member list, one ledger, one currency and zone."""
