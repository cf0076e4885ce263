"""Enrolled persons and how a shop names them."""
