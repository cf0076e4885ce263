"""Messages dropped, doubled, shuffled and delayed: after one deep reconciliation the promises of RULES §2 must hold
against the same shop without losses. `python -m bench.losses --orders 5000 --seed S --shop both`.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from bench.chronicle import DOCUMENT, Chronicle, Message
from bench.listeners import Listener, open_listener
from bench.merchants import Reach, to_shopify, to_woocommerce
from bench.shopify_chronicle import ShopifyChronicle
from bench.stage import Stage, open_stage
from connectors.shopify import ShopifyConnector
from connectors.shopify.sandbox import ShopifySandbox
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.logs import configure_logging
from workers.runtime import Runtime

Life = Chronicle | ShopifyChronicle
DROPPED, DOUBLED = 0.1, 0.2
LONGEST_DELAY = 400
"""Events that happen before the most delayed message arrives."""
EVENTS_AT_ONCE = 60
PROMISES: Mapping[str, str] = {
    "net points of each order and cause": "select m.key, e.cause, sum(e.points) from ledger_entries e"
    " join members m on m.id = e.member_id group by m.key, e.cause having sum(e.points) <> 0 order by 1, 2",
    "lots": "select m.key, l.cause, l.remaining, l.expired, l.available_from, l.expires_at from lots l"
    " join members m on m.id = l.member_id where l.points > 0 and l.remaining + l.expired > 0 order by 1, 2",
    "balances": "select key, points_sum, debt, held from members where joined_at is not null order by 1",
    "tiers": "select m.key, p.number, p.tier_key, p.entry, p.started_at, p.reason from tier_periods p"
    " join members m on m.id = p.member_id order by 1, 2",
    "metrics": "select key, tier_key, order_count, lifetime_spend, lifetime_orders, lifetime_points from members"
    " where joined_at is not null order by 1",
    "live coupons": "select m.key, c.cause, c.reward_key from coupons c join members m on m.id = c.member_id"
    " where c.state in ('requested', 'issued') order by 1, 2",
}
"""What RULES §2 promises, as questions whose answers must be equal; each row begins with the key of its member."""
_OWNERS = (
    "select s.key from orders o join members m on m.id = o.member_id join members s on s.id ="
    " coalesce(m.merged_into, m.id) where o.key = any(:orders)"
)
"""Who stands for them."""
MOST_UNKNOWABLE = 10
"""One in so many members at most may have an order that was deleted for good before its last state arrived."""


@dataclass(slots=True)
class Outcome:
    """What was sent and heard, and in what the two accounts differ."""

    sent: int = 0
    heard: int = 0
    found: int = 0
    untold: int = 0
    """Differences that the account without losses had: the shop tells nobody of a deleted refund."""
    facts: int = 0
    lost: int = 0
    """Promises that did not hold before the reconciliation."""
    unequal: list[str] = field(default_factory=list)
    differences: int = 0
    found_again: int = 0
    unknowable: int = 0
    """Members who cannot be compared: the last state of an order is gone from the shop, and never arrived."""
    members: int = 0

    def figures(self) -> str:
        """Return the figures for people."""
        return (
            f"sent={self.sent} heard={self.heard} lost={self.lost}/{len(PROMISES)} found={self.found}"
            f" untold={self.untold} unknowable={self.unknowable}/{self.members} facts={self.facts}"
        )

    def complaints(self) -> list[str]:
        """Return what is not as it must be."""
        found = [f"not equal: {each}" for each in self.unequal]
        if self.differences:
            found.append(f"ledger verify --rebuild: {self.differences} differences")
        if self.found_again:
            found.append(f"a second reconciliation found {self.found_again} differences")
        if self.unknowable * MOST_UNKNOWABLE > self.members:
            found.append(f"{self.unknowable} of {self.members} members cannot be compared")
        if not self.facts or not self.lost or self.found <= self.untold:
            found.append("nothing was lost, so nothing was shown")
        return found


@contextmanager
def _woocommerce(runtime: Runtime, orders: int, rng: random.Random) -> Iterator[tuple[Reach, Life]]:
    runtime.connectors["woocommerce"] = WooCommerceConnector(allow_private=True, per_second=1e6)
    with SandboxShop() as shop:
        yield to_woocommerce(shop), Chronicle(shop, orders, rng)


@contextmanager
def _shopify(runtime: Runtime, orders: int, rng: random.Random) -> Iterator[tuple[Reach, Life]]:
    runtime.connectors["shopify"] = ShopifyConnector(allow_private=True, per_second=1e6)
    with ShopifySandbox(bucket=1e6, restore_rate=1e6) as shop:
        yield to_shopify(shop), ShopifyChronicle(shop, orders, rng)


PLATFORMS = {"woocommerce": _woocommerce, "shopify": _shopify}
SHOPS = {**{platform: (platform,) for platform in PLATFORMS}, "both": tuple(PLATFORMS)}
"""What may be asked for: one shop, or both of one account, in which the same people buy."""


def run(runtime: Runtime, orders: int, seed: int, shop: str = "woocommerce") -> Outcome:
    """Let shops live for two accounts, of which one hears everything and the other what is left of it."""
    rng, outcome = random.Random(seed), Outcome()
    with ExitStack() as open_shops:
        opened = {
            each: open_shops.enter_context(PLATFORMS[each](runtime, orders // len(SHOPS[shop]), rng))
            for each in SHOPS[shop]
        }
        lives = {each: life for each, (_, life) in opened.items()}
        reaches = {each: reach for each, (reach, _) in opened.items()}
        whole, lossy = (open_listener(runtime, DOCUMENT, reaches) for _ in range(2))
        for listener in (whole, lossy):
            _begin(listener, lives)
        _live(_interleaved(lives, rng), whole, lossy, rng, outcome)
        outcome.lost = sum(whole.ask(question) != lossy.ask(question) for question in PROMISES.values())
        outcome.untold, outcome.found = whole.reconcile(), lossy.reconcile()
        outcome.found_again = lossy.reconcile() + whole.reconcile()
    _compare(whole, lossy, outcome)
    return outcome


def _begin(listener: Listener, lives: Mapping[str, Life]) -> None:
    """The shops were connected before their first orders; who is a customer of both is one person."""
    start = min(life.start for life in lives.values())
    listener.was_connected(start)
    if len(lives) == 1:
        return
    for platform, life in lives.items():
        for message in life.introductions():
            listener.hear(platform, message)
    listener.work()
    numbers = {platform: place for place, platform in enumerate(lives, 1)}
    people = [
        {email: f"{numbers[platform]}:{customer}" for customer, email in life.buyers if customer}
        for platform, life in lives.items()
    ]
    listener.unite([(one, people[1][email]) for email, one in people[0].items() if email in people[1]], start)


def _interleaved(lives: Mapping[str, Life], rng: random.Random) -> Iterator[tuple[str, bool, list[Message]]]:
    """Yield the events of all shops: whose it is, whether it is told often, its messages."""
    running = {platform: life.live() for platform, life in lives.items()}
    while running:
        platform = rng.choice(sorted(running)) if len(running) > 1 else next(iter(running))
        messages = next(running[platform], None)
        if messages is None:
            del running[platform]
        else:
            yield platform, lives[platform].is_told_often, messages


def _compare(whole: Listener, lossy: Listener, outcome: Outcome) -> None:
    left_out = _unknowable(whole, lossy)
    outcome.unknowable, outcome.members = len(left_out), len(whole.ask("select key from members"))
    expected, given = _answers(whole, left_out), _answers(lossy, left_out)
    outcome.unequal = [
        _tell(name, expected[name], given[name]) for name in PROMISES if expected[name] != given[name]
    ]
    outcome.facts = sum(len(rows) for rows in expected.values())
    outcome.differences = whole.differences() + lossy.differences()


def _answers(listener: Listener, left_out: set[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the promises are about, without some members."""
    return {
        name: [row for row in listener.ask(question) if row[0] not in left_out]
        for name, question in PROMISES.items()
    }


def _unknowable(whole: Listener, lossy: Listener) -> set[str]:
    """Return the members with an order that was deleted for good before its last state reached both accounts: no shop
    can be asked for it any more, and no promise is about it.
    """
    states = "select key, cast(snapshot as text) from orders where deleted_at is not null"
    told, heard = (dict(listener.ask(states)) for listener in (whole, lossy))
    gone = [key for key in told | heard if told.get(key) != heard.get(key) or heard.get(key) is None]
    return {key for listener in (whole, lossy) for (key,) in listener.ask(_OWNERS, orders=gone)}


def _live(
    events: Iterable[tuple[str, bool, list[Message]]],
    whole: Listener,
    lossy: Listener,
    rng: random.Random,
    outcome: Outcome,
) -> None:
    late: dict[int, list[tuple[str, Message]]] = {}
    for event, (platform, is_told_often, messages) in enumerate(events):
        # Any of the messages of one deed makes Shopify be asked: what is lost is lost with all of them.
        is_lost = is_told_often and rng.random() < DROPPED
        for message in messages:
            whole.hear(platform, message)
            outcome.sent += 1
            for _ in range(0 if is_lost else _copies(rng)):
                late.setdefault(event + rng.randrange(LONGEST_DELAY), []).append((platform, message))
        _arrive(lossy, late.pop(event, []), rng, outcome)
        if event % EVENTS_AT_ONCE == 0:
            whole.work()
            lossy.work()
    _arrive(lossy, [each for rest in late.values() for each in rest], rng, outcome)
    whole.work()
    lossy.work()


def _arrive(
    lossy: Listener, messages: list[tuple[str, Message]], rng: random.Random, outcome: Outcome
) -> None:
    for platform, message in rng.sample(messages, len(messages)):
        lossy.hear(platform, message)
        outcome.heard += 1


def _copies(rng: random.Random) -> int:
    """Return how often a message arrives: dropped, doubled, or once."""
    chance = rng.random()
    return 0 if chance < DROPPED else 2 if chance < DROPPED + DOUBLED else 1


def _tell(name: str, expected: list[tuple[Any, ...]], given: list[tuple[Any, ...]]) -> str:
    lacking = [row for row in expected if row not in given][:3]
    surplus = [row for row in given if row not in expected][:3]
    return f"{name}: without losses {lacking}, with losses {surplus}"


def run_on(stage: Stage, orders: int, seed: int, shop: str = "woocommerce") -> list[str]:
    """Run on a fresh database, print a line; return what is to complain about."""
    started = perf_counter()
    with stage.place() as place:
        runtime = place.runtime()
        try:
            outcome = run(runtime, orders, seed, shop)
        finally:
            runtime.database.dispose()
    complaints = outcome.complaints()
    figures = f"{shop} orders={orders} seed={seed} {outcome.figures()} s={perf_counter() - started:.0f}"
    print(f"losses {figures} {'; '.join(complaints) if complaints else 'ok'}", flush=True)
    return complaints


def main(argv: list[str]) -> int:
    """Run once; return 0 when the promises hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.losses", description=__doc__)
    parser.add_argument("--orders", type=int, default=5000)
    parser.add_argument("--seed", type=int, help="chance, printed and repeatable")
    parser.add_argument("--shop", choices=sorted(SHOPS), default="woocommerce", help="which one")
    given = parser.parse_args(argv)
    seed = given.seed if given.seed is not None else secrets.randbelow(2**32)
    configure_logging("error")
    with open_stage() as stage:
        return 1 if run_on(stage, given.orders, seed, given.shop) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
