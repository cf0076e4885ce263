"""How webhooks of the sandbox shop state money: texts with the decimals of the currency, and sets of two currencies."""

from __future__ import annotations

from fractions import Fraction

from connectors.shopify.sandbox.state import Json, State, money_text


class Writer:
    """Writes the amounts of one order."""

    def __init__(self, state: State, order: Json) -> None:
        self.state = state
        self._order = order

    def text(self, amount: Fraction) -> str:
        """Return an amount in the shop's currency."""
        return self.state.money(amount)

    def bag(self, amount: Fraction, key: str = "currency_code") -> Json:
        """Return the set of an amount: what the shop counts and what the buyer saw."""
        seen = money_text(amount * self._order["rate"], self.state.options.decimals)
        shop = {"amount": self.text(amount), key: self._order["currencyCode"]}
        return {
            "shop_money": shop,
            "presentment_money": {"amount": seen, key: self._order["presentmentCurrencyCode"]},
        }

    def paid(self, amount: Fraction) -> str:
        """Return an amount in the currency in which the buyer paid."""
        return money_text(amount * self._order["rate"], self.state.options.decimals)

    def allocation(self, row: Json) -> Json:
        """Return what one discount takes of a line."""
        shown: Json = {"amount": self.text(row["amount"]), "amount_set": self.bag(row["amount"])}
        return shown | {"discount_application_index": row["index"]}

    def tax_lines(self, tax: Fraction) -> list[Json]:
        """Return the one tax of the shop, or none."""
        share = self.state.tax_share()
        if not share:
            return []
        shown: Json = {"channel_liable": False, "price": self.text(tax), "price_set": self.bag(tax)}
        return [shown | {"rate": float(share), "title": "VAT"}]
