"""What stops a transaction and is nobody's fault: taken again later, the same work may be done."""

from __future__ import annotations

from sqlalchemy.exc import InterfaceError, OperationalError

from loyalty.crypto import Undecryptable
from loyalty.errors import OrdersMoved

PASSING = (OperationalError, InterfaceError, OrdersMoved, Undecryptable)
"""The database is away, another worker is quicker again and again, keys are lost: no message and no row is to blame."""
