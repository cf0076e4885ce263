"""What Shopify refuses in a new code discount, as user errors of its codes."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from connectors.shopify.sandbox.state import Json, State, number_of

LONGEST = 255
MOST_CUSTOMERS = 100
MOST_ITEMS = 100


class Checks:
    """Collects the errors of one input."""

    def __init__(self, state: State, given: Json, argument: str, own: int | None = None) -> None:
        self._state = state
        self._given = given
        self._argument = argument
        self._own = own
        self.errors: list[Json] = []

    def common(self) -> None:
        """Check what all code discounts have."""
        self._texts()
        self._dates()
        self._buyers()
        minimum = self._given.get("minimumRequirement") or {}
        if minimum.get("subtotal") and minimum.get("quantity"):
            message = "Minimum subtotal and minimum quantity cannot both be present."
            self._refuse("MINIMUM_SUBTOTAL_AND_QUANTITY_RANGE_BOTH_PRESENT", message, "minimumRequirement")
        limit = self._given.get("usageLimit")
        if limit is not None and limit < 1:
            self._refuse("GREATER_THAN", "Usage limit must be greater than 0", "usageLimit")

    def basic(self) -> None:
        """Check the value and the items of an amount off."""
        gets = self._given.get("customerGets") or {}
        value, items = gets.get("value") or {}, gets.get("items") or {}
        if not value or not items:
            self._refuse("BLANK", "Customer gets can't be blank", "customerGets")
            return
        self._value(value)
        self._items(items)

    def free_shipping(self) -> None:
        """Check the destination; shipping discounts do not combine with each other."""
        if not self._given.get("destination"):
            self._refuse("BLANK", "Destination can't be blank", "destination")
        if (self._given.get("combinesWith") or {}).get("shippingDiscounts"):
            message = "The combines with settings are not valid for the discount class."
            self._refuse("INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS", message, "combinesWith")

    def _texts(self) -> None:
        for name in ("title", "code"):
            text = self._given.get(name) or ""
            if not text.strip():
                self._refuse("BLANK", f"{name.capitalize()} can't be blank", name)
            elif len(text) > LONGEST:
                self._refuse("TOO_LONG", f"{name.capitalize()} is too long (maximum is 255 characters)", name)
        code = (self._given.get("code") or "").casefold()
        others = (each for number, each in self._state.discounts.items() if number != self._own)
        if any(each["code"].casefold() == code for each in others):
            self._refuse("TAKEN", "Code must be unique. Please try a different code.", "code")

    def _dates(self) -> None:
        starts, ends = moment_of(self._given.get("startsAt")), moment_of(self._given.get("endsAt"))
        if starts is None:
            self._refuse("BLANK", "Starts at can't be blank", "startsAt")
        elif ends is not None and ends <= starts:
            self._refuse("END_DATE_BEFORE_START_DATE", "Ends at needs to be after starts_at", "endsAt")

    def _buyers(self) -> None:
        context = self._given.get("context")
        if not context:
            self._refuse("BLANK", "Context can't be blank", "context")
            return
        customers = (context.get("customers") or {}).get("add") or ()
        if len(customers) > MOST_CUSTOMERS:
            message = f"Customers exceeded the maximum of {MOST_CUSTOMERS}"
            self._refuse("EXCEEDED_MAX", message, "context", "customers", "add")
        for each in customers:
            if number_of(each, "Customer") not in self._state.customers:
                message = f"Customer with id: {number_of(each)} is invalid"
                self._refuse("INVALID", message, "context", "customers", "add")

    def _value(self, value: Json) -> None:
        place = ("customerGets", "value")
        if value.get("discountOnQuantity"):
            message = "discountOnQuantity field is only permitted with bxgy discounts."
            self._refuse("INVALID", message, *place, "discountOnQuantity")
        share = value.get("percentage")
        if share is not None and not 0 <= share <= 1:
            self._refuse("VALUE_OUTSIDE_RANGE", "Value must be between 0.0 and 1.0", *place, "percentage")
        amount = value.get("discountAmount")
        if amount is not None and Fraction(str(amount.get("amount") or 0)) <= 0:
            message = "Discount amount must be greater than 0"
            self._refuse("GREATER_THAN", message, *place, "discountAmount", "amount")

    def _items(self, items: Json) -> None:
        products, collections = items.get("products") or {}, items.get("collections") or {}
        named = [
            *((each, "Product", self._state.products) for each in products.get("productsToAdd") or ()),
            *(
                (each, "ProductVariant", self._variants())
                for each in products.get("productVariantsToAdd") or ()
            ),
            *((each, "Collection", self._state.collections) for each in collections.get("add") or ()),
        ]
        if not named and not items.get("all"):
            self._refuse("BLANK", "Items can't be blank", "customerGets", "items")
        if len(named) > MOST_ITEMS:
            self._refuse(
                "EXCEEDED_MAX", f"Items exceeded the maximum of {MOST_ITEMS}", "customerGets", "items"
            )
        for each, kind, table in named:
            if number_of(each, kind) not in table:
                self._refuse(
                    "INVALID", f"{kind} with id: {number_of(each)} is invalid", "customerGets", "items"
                )

    def _variants(self) -> set[int]:
        return {each["variant"]["id"] for each in self._state.products.values()}

    def _refuse(self, code: str, message: str, *place: str) -> None:
        error = {"field": [self._argument, *place], "code": code, "message": message, "extraInfo": None}
        self.errors.append(error)


def moment_of(text: Any) -> datetime | None:
    """Return the instant of an input; without an offset it is UTC."""
    if text is None:
        return None
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
