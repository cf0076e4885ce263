"""Connect, list and disconnect shops."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.errors import NotFound
from loyalty.stores.service import list_all_stores, set_state
from webhook_app.cli import ACTOR, Answer, command, find_account
from webhook_app.connect import NewShop, connect_shop
from webhook_app.connect_shopify import NewShopify, connect_shopify
from webhook_app.connect_till import NewTill, connect_till
from webhook_app.shopify_pages import invitation
from webhook_app.tools import Tools

group = AppGroup("store", help="Connected shops.")
connecting = AppGroup("connect", help="Connect a shop.")
group.add_command(connecting)


@command(connecting, "woocommerce")
@click.option("--url", required=True, help="Address of the shop.")
@click.option("--consumer-key", required=True, help="Key of its REST API, read and write.")
@click.option("--consumer-secret", required=True, help="Secret of that key; - reads it from standard input.")
@click.option("--name", default="", help="What people call the shop.")
@click.option("--account", default="", help="Key of the account it joins; a new one unless given.")
@click.option("--no-register", is_flag=True, help="Leave the webhooks of the shop alone.")
def woocommerce(
    tools: Tools,
    url: str,
    consumer_key: str,
    consumer_secret: str,
    name: str,
    account: str,
    no_register: bool,
) -> Answer:
    """Connect a WooCommerce shop."""
    keys = {"consumer_key": consumer_key, "consumer_secret": _read(consumer_secret)}
    shop = NewShop("woocommerce", url, keys, name, account, register=not no_register, actor=ACTOR)
    done = connect_shop(tools, shop)
    data = {
        "account": done.account,
        "store": done.store.key,
        "webhook_url": done.webhook_url,
        "webhook_secret": done.webhook_secret,
        "api_key": done.api_key,
    }
    past = f"its past orders: backfill {done.store.key} --preview tells what taking them in would cost"
    return Answer({**data, "warnings": list(done.warnings)}, [*_lines(data), past], list(done.warnings))


@command(connecting, "shopify")
@click.option("--shop", required=True, help="Domain of the shop: some-shop.myshopify.com.")
@click.option("--client-id", default="", help="Id of the app; that of SHOPIFY_API_KEY unless given.")
@click.option("--client-secret", default="", help="Secret of the app; - reads it from standard input.")
@click.option("--token", default="", help="A token made in the shop's admin; - reads it from standard input.")
@click.option(
    "--notification-key", default="", help="Of webhooks made on the shop's settings page; - reads it."
)
@click.option("--name", default="", help="What people call the shop.")
@click.option("--account", default="", help="Key of the account it joins; a new one unless given.")
@click.option("--no-register", is_flag=True, help="Leave the webhooks of the shop alone.")
@click.option("--url", default="", hidden=True, help="Where the shop is reached, when not at its domain.")
def shopify(tools: Tools, no_register: bool, **given: str) -> Answer:
    """Connect a Shopify shop, or give other keys to one that is connected."""
    secret = {name: _read(given.pop(name)) for name in ("client_secret", "token", "notification_key")}
    new = NewShopify(**given, **secret, register=not no_register, actor=ACTOR)
    done = connect_shopify(tools, new, utc_now())
    data = {
        "account": done.account,
        "store": done.store.key,
        "webhook_url": done.webhook_url,
        "api_key": done.api_key,
    }
    past = f"its past orders: backfill {done.store.key} --preview tells what taking them in would cost"
    return Answer({**data, "warnings": list(done.warnings)}, [*_lines(data), past], list(done.warnings))


@command(group, "invite")
@click.option("--shop", required=True, help="Domain of the Shopify shop: some-shop.myshopify.com.")
@click.option(
    "--account", required=True, help="Key of the account, or of a store of it, that the shop joins."
)
def invite(tools: Tools, shop: str, account: str) -> Answer:
    """Print an address with which the merchant of a Shopify shop has it join an account; good for a week."""
    address = invitation(tools, shop, account)
    return Answer({"address": address}, [address])


def _read(given: str) -> str:
    """Return a secret that was given, or the next line of standard input for a single dash."""
    return sys.stdin.readline().strip() if given == "-" else given


@command(connecting, "till")
@click.option(
    "--name", required=True, help="What people call the till; no two of an account are called the same."
)
@click.option("--account", default="", help="Key of the account it joins; a new one unless given.")
@click.option("--currency", default="", help="Of a new account, by ISO 4217: TWD.")
@click.option("--time-zone", default="", help="Of a new account, by IANA: Asia/Taipei.")
@click.option("--decimals", type=click.IntRange(0, 4), help="Of the money of a new account: 0 for TWD.")
def till(
    tools: Tools, name: str, account: str, currency: str, time_zone: str, decimals: int | None
) -> Answer:
    """Connect a till, or another channel without a shop, that tells of its orders by API."""
    done = connect_till(tools, NewTill(name, account, currency, time_zone, decimals, ACTOR))
    data = {"account": done.account, "store": done.store.key, "api_key": done.api_key}
    return Answer(data, _lines(data))


def _lines(data: dict[str, str]) -> list[str]:
    return [f"{name.replace('_', ' ')}: {value}" for name, value in data.items()]


@command(group, "list")
def list_(tools: Tools) -> Answer:
    """List all connected shops."""
    rows = tools.database.single_statement(list_all_stores)
    data = [{name: str(row[name]) for name in ("key", "platform", "state", "account_id")} for row in rows]
    return Answer(data, ["  ".join((row["key"], row["platform"], row["state"])) for row in data])


@command(group, "disconnect")
@click.argument("key")
def disconnect(tools: Tools, key: str) -> Answer:
    """Take nothing more from a shop and send nothing to it; its data stays."""
    account, store = find_account(tools, key)
    if store is None:
        raise NotFound(f"There is no store of the key {key}.")
    with tools.database.transaction(account) as connection:
        set_state(connection, store, "disconnected")
        note(connection, account, ACTOR, "store.disconnected", key)
    return Answer({"store": key, "state": "disconnected"}, [f"{key} is disconnected"])
