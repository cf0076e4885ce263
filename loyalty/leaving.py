"""Facts about persons and merchants who leave, or ask what is known of them: a shop passes on what it was asked;
law: a fact states how things are, never what changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loyalty.values import StoreId


@dataclass(frozen=True, slots=True)
class CustomerErased:
    """The shop was asked by a customer to erase him, and passes that on."""

    store_id: StoreId
    external_id: str
    """Empty where the shop names him by his e-mail only."""
    observed_at: datetime
    email: str = ""


@dataclass(frozen=True, slots=True)
class CustomerDataRequested:
    """A customer asked the shop at `observed_at` for what is known of him, which the merchant must be given."""

    store_id: StoreId
    external_id: str
    """Empty where the shop names him by his e-mail only."""
    email: str
    request_id: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class ShopErased:
    """The platform wants everything erased that came from a shop which uninstalled the app some time ago."""

    store_id: StoreId
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class StoreUninstalled:
    """The merchant took the app out of the shop: nothing can be read or written there any more."""

    store_id: StoreId
    observed_at: datetime
