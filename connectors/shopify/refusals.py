"""What a shop says in `userErrors`, as the reasons that a merchant sees."""

from __future__ import annotations

from typing import Any

from loyalty.pushes import PushError

LIMITS = frozenset(
    {
        "MAX_APP_DISCOUNTS",
        "EXCEEDED_MAX",
        "LIMIT_REACHED",
        "GIFT_CARD_LIMIT_EXCEEDED",
        "CREDIT_LIMIT_EXCEEDED",
    }
)
TAKEN = "TAKEN"


def user_errors(payload: Any) -> list[dict[str, Any]]:
    """Return the errors of a mutation's payload; raises PushError when the shop gave none, but an error."""
    if isinstance(payload, PushError):
        raise payload
    if not isinstance(payload, dict):
        raise PushError("The shop did not answer a change.", permanent=False, reason="unreachable")
    return [each for each in payload.get("userErrors") or () if isinstance(each, dict)]


def codes(errors: list[dict[str, Any]]) -> set[str]:
    """Return the codes of user errors."""
    return {str(each["code"]) for each in errors if each.get("code")}


def user_refusal(payload: Any) -> PushError | None:
    """Return the PushError of a mutation's user errors, None when it did as told."""
    try:
        errors = user_errors(payload)
    except PushError as error:
        return error
    return refusal_of(errors) if errors else None


def refusal_of(errors: list[dict[str, Any]]) -> PushError:
    """Return the PushError of these user errors; what the shop has too many of may be taken another day."""
    found = codes(errors)
    words = "; ".join(str(each.get("message", ""))[:120] for each in errors[:3])
    message = f"The shop refused: {words}"
    if found & LIMITS:
        return PushError(message, permanent=True, reason="limit")
    if "INTERNAL_ERROR" in found:
        return PushError(message, permanent=False, reason="unreachable")
    return refused(message, "rejected")


def refused(message: str, reason: str) -> PushError:
    """Return a refusal that stays."""
    return PushError(message, permanent=True, reason=reason)
