"""A shop with a catalogue, one customer with points, and all that happens to the rewards that he redeems."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from builders import make_document
from receiving import Desk, make_desk

from connectors.woocommerce.sandbox import SandboxShop
from connectors.woocommerce.sandbox.coupon_uses import why_refused
from loyalty.clock import utc_now
from loyalty.engine.book import AccountBook
from loyalty.engine.ending import cancel_redemption, capture_redemption
from loyalty.engine.publishing import publish_program
from loyalty.engine.redemptions import Wish, redeem_reward
from loyalty.reports.redemptions import read_redemption
from loyalty.reports.standing import read_standings
from workers.draining import drain_account, refold_account
from workers.pushing import push_store
from workers.runtime import Runtime
from workers.settling import close_tier_periods, expire_points

Row = dict[str, Any]
EMAIL = "amy@example.test"
REWARDS: list[Row] = [
    {"key": "off", "kind": "fixed_discount", "points": 100, "amount": "50", "valid_days": 30},
    {"key": "any", "kind": "variable_discount", "points": 1, "amount": "0.5"},
    {"key": "talk", "kind": "service", "points": 100},
    {"key": "partner", "kind": "external", "points": 100},
]
DAY = timedelta(days=1)


class Counter:
    """Amy, a member with points, at the counter of a shop."""

    def __init__(self, runtime: Runtime, woo: SandboxShop, points: int = 100, **program: Any) -> None:
        self.runtime, self.woo, self.program = runtime, woo, program
        options = woo.state.options
        money = {"currency": options.currency, "decimals": options.decimals}
        self.desk: Desk = make_desk(runtime, self._document(program), woo, **money)
        self.amy = woo.add_customer(EMAIL)["id"]
        self.ben = woo.add_customer("ben@example.test")["id"]
        self.product = woo.add_product(price=400)["id"]
        self.first_order = self.buy(customer=self.amy)
        self.member = UUID(str(self.desk.rows("select id from members")[0]["id"]))
        self.give(points)

    @staticmethod
    def _document(program: Row) -> Row:
        return make_document(**{"rewards": REWARDS, "earning": {"points_per_unit": "0"}, **program})

    def publish(self, **program: Any) -> None:
        """Let other rules take effect now."""
        document, account = self._document({**self.program, **program}), self.desk.shop.account
        with self.desk.connect() as connection:
            publish_program(
                connection, account, document, effective_from=None, now=utc_now(), actor="merchant"
            )

    def give(self, points: int, who: UUID | None = None) -> None:
        if points:
            self.desk.adjust(points, member=who or self.member)

    def member_of(self, customer: int) -> UUID:
        """The member that a customer of the shop is."""
        rows = self.desk.rows(
            f"select member_id from member_identities where kind = 'customer' and value ~ '(^|:){customer}$'"
        )
        return UUID(str(rows[0]["member_id"]))

    def redeem(
        self, reward: str = "off", at: datetime | None = None, who: UUID | None = None, **wish: Any
    ) -> Row:
        """Ask for a reward, by default for Amy; what the API would answer."""
        if "amount" in wish:
            wish["amount"] = Decimal(wish["amount"])
        now = at or utc_now()
        with self.desk.connect() as connection:
            done = redeem_reward(
                connection, self._book(connection), who or self.member, Wish(reward, **wish), now, "amy"
            )
            return read_redemption(connection, number=done.number)

    def cancel(self, redemption: Row, *, by_staff: bool = False) -> None:
        with self.desk.connect() as connection:
            book, now = self._book(connection), utc_now()
            cancel_redemption(connection, book, redemption["id"], "no more", now, "amy", by_staff=by_staff)

    def capture(self, redemption: Row, at: datetime | None = None) -> None:
        with self.desk.connect() as connection:
            capture_redemption(connection, self._book(connection), redemption["id"], at or utc_now(), "till")

    def _book(self, connection: Any) -> AccountBook:
        return self.runtime.book(connection, self.desk.shop.account, set())

    def push(self, times: int = 3, at: datetime | None = None) -> None:
        """Deliver what the shop has to do, with its answers' consequences."""
        for _ in range(times):
            push_store(self.runtime, self.desk.shop.account, self.desk.shop.store.id, at)

    def see(self, redemption: Row) -> Row:
        with self.desk.connect() as connection:
            return read_redemption(connection, redemption=redemption["id"])

    def code(self, redemption: Row) -> str:
        """The code of a redemption, whether the shop has it or not."""
        rows = self.desk.rows(f"select code from coupons where cause = 'redemption:{redemption['number']}'")
        return str(rows[0]["code"])

    def issue(self, reward: str = "off", **wish: Any) -> tuple[Row, str]:
        """Redeem, and let the shop make the code."""
        redemption = self.redeem(reward, **wish)
        self.push()
        return redemption, self.code(redemption)

    def buy(self, *codes: str, customer: int | None = None, paid: bool = True, quantity: int = 1) -> int:
        """Check out with codes; what happens is delivered and drained. Return the order's id."""
        who = self.amy if customer is None else customer
        email = self.woo.customer(who)["email"] if who else EMAIL
        order = self.woo.check_out(
            (self.product, quantity),
            customer=who,
            email=email,
            coupons=[code.upper() for code in codes],
            paid=paid,
        )
        return self.tell(order["id"])

    def tell(self, order: int) -> int:
        """Let Laurel know how an order stands."""
        self.desk.signal(order)
        self.push()
        return order

    def refund(self, order: int, amount: int | str) -> int:
        refund = self.woo.refund(order, amount)["id"]
        self.tell(order)
        return int(refund)

    def turn(self, order: int, status: str) -> None:
        self.woo.set_status(order, status)
        self.tell(order)

    def pass_time(self, to: datetime) -> None:
        """Let the jobs run at an instant."""
        account = self.desk.shop.account
        close_tier_periods(self.runtime, account, to)
        expire_points(self.runtime, account, to)
        self.push(at=to)

    def fold(self) -> None:
        """Fold whoever must be folded again."""
        refold_account(self.runtime, self.desk.shop.account)
        drain_account(self.runtime, self.desk.shop.account)

    def balance(self, at: datetime | None = None) -> tuple[int, int, int]:
        """Amy's available, held and owed points."""
        with self.desk.connect() as connection:
            found = read_standings(connection, self.desk.shop.account, [self.member], at or utc_now())[
                0
            ].balance
        return found.available, found.held, found.debt

    def coupons(self) -> list[Row]:
        """The codes that the shop has now, their amounts with two decimals."""
        stored = self.woo.state.coupons.values()
        return [{**each, "amount": f"{Decimal(each['amount']):.2f}"} for each in stored]

    def is_live(self, code: str) -> bool:
        """Whether the shop would take the code."""
        return not why_refused(self.woo.state, code, self.woo.order(self.first_order))

    def incidents(self) -> list[str]:
        return [row["kind"] for row in self.desk.rows("select kind from incidents order by id")]

    def proves(self) -> bool:
        """Whether the ledger proves itself, folded again from nothing."""
        assert self.desk.differences() == []
        return True
