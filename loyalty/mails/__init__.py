"""Mails that wait to be sent: a small outbox beside that of the shops."""
