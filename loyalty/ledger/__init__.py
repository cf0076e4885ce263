"""The ledger: immutable entries, lots with their consumptions, and the checks that they agree."""
