"""One account's rules: an immutable numbered document, its schema and its versions."""
