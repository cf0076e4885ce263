"""The main job before one's eyes: orders become points, tiers and coupons in a shop; a refund takes that back."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from bench.app import App, NotReady
from bench.demo_print import Report, be_utf8
from bench.demo_redeem import Redeemer
from bench.demo_steps import PROGRAM, Demo
from bench.shop_client import ShopClient
from bench.shopify_client import shopify_client
from bench.woocommerce_client import woocommerce_client

Opened = Callable[[], AbstractContextManager[ShopClient]]
SHOPS: dict[str, Opened] = {"woocommerce": woocommerce_client, "shopify": shopify_client}


def run(demo: Demo) -> bool:
    """Play all steps; return whether every claim was true."""
    redeemer = Redeemer(demo)
    steps = (
        ("連接商店並發布方案", "Connect the shop, publish the program", (demo.connect,)),
        ("顧客在商店下單", "Customers order in the shop", (demo.buy, demo.settle)),
        ("會員、積分與等級", "Members, points and tiers", (demo.show_members,)),
        ("商店中的折價券", "Coupons in the shop", (demo.show_coupons,)),
        ("商家退款", "The merchant refunds an order", (demo.refund,)),
        ("會員兌換獎勵", "A member redeems a reward", (redeemer.redeem,)),
        ("在結帳時使用", "He uses its code at the checkout", (redeemer.use,)),
        (
            "商家部分退款",
            "The merchant refunds half of that order",
            (redeemer.refund_half, redeemer.show_statement),
        ),
        ("驗證帳本", "Prove the ledger", (demo.verify,)),
    )
    for chinese, english, actions in steps:
        demo.report.step(chinese, english)
        for action in actions:
            action()
    return demo.report.is_true


def main() -> int:
    """Play in a temporary folder and leave nothing behind; return the exit code."""
    be_utf8()
    name = os.environ.get("SHOP") or next(iter(SHOPS))
    if name not in SHOPS:
        sys.stderr.write(f"SHOP must be {' or '.join(SHOPS)}, not {name}.\n")
        return 2
    report = Report()
    try:
        is_true = _play(report, SHOPS[name])
    except NotReady as error:
        sys.stderr.write(f"{error}\n")
        return 1
    report.step(*(("完成", "All of it is true.") if is_true else ("有誤", "Not all of it is true.")))
    return 0 if is_true else 1


def _play(report: Report, opened: Opened) -> bool:
    document = json.loads(PROGRAM.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="laurel-demo-") as folder:
        app = App(Path(folder))
        report.step("啟動程式與示範商店", "Start the program and the sandbox shop")
        try:
            app.start()
            report.line(f"{app.url}  (資料庫 database, 佇列 queue, 網站 web, 工作程序 workers, 時鐘 clock)")
            with opened() as shop:
                return run(Demo(app, shop, report, document))
        finally:
            app.stop()


if __name__ == "__main__":
    sys.exit(main())
