"""The mark by which we know our own coupons again in a WooCommerce store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MARKER = "laurel"
"""The key of the meta data."""


def is_ours(coupon: Mapping[str, Any]) -> bool:
    """Return whether a coupon as the REST API states it bears our mark."""
    meta = coupon.get("meta_data")
    return isinstance(meta, list) and any(
        isinstance(each, dict) and each.get("key") == MARKER for each in meta
    )
