"""Notices: what members must be told of, once each; channels deliver them."""
