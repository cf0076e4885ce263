"""Files by the command line: members in and out, orders of a till into the inbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.builders import Shop, make_sale, make_till
from tests.web.conftest import Caller
from tests.web.test_cli import run, told
from workers.runtime import Runtime


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "members.csv"
    path.write_text('email,points\na@x.com,"52,620"\nb@x.com,1\nc@x.com,?\n')
    return path


def test_members_are_tried_out_imported_exported_and_undone(app: Flask, shop: Shop, file: Path) -> None:
    words = ("import", "members", str(file), "--store", shop.store.key)
    dry = run(app, *words, "--dry-run", "--json")
    assert dry.exit_code == 1
    assert json.loads(dry.stdout)["valid"] == 2
    done = run(app, *words, "--json")
    data = json.loads(done.stdout)
    assert (done.exit_code, data["valid"], data["invalid"], data["points"]) == (1, 2, 1, 52621)
    assert "row 4: points: Must be a whole number" in done.stderr
    assert (
        Path(data["errors_file"])
        .read_text(encoding="utf-8-sig")
        .startswith("row,field,message,email,points\n4,")
    )
    listed = told(app, "import", "list", shop.store.key)
    assert [one["state"] for one in listed] == ["done", "done"]
    shown = run(app, "export", "--members", "-", "--store", shop.store.key)
    assert (shown.exit_code, len(shown.stdout.splitlines())) == (0, 3)
    out = file.with_name("out.jsonl")
    assert told(app, "export", str(out), "--store", shop.store.key) == {"file": str(out), "format": "jsonl"}
    assert {json.loads(line)["email"] for line in out.read_text().splitlines()} == {"a@x.com", "b@x.com"}
    undone = told(app, "import", "undo", shop.store.key, str(data["id"]))
    assert (undone["state"], undone["undone"]) == ("undone", 2)
    assert told(app, "ledger", "verify", shop.store.key, "--rebuild")["differences"] == 0


def test_standard_input_and_the_only_account_are_enough(app: Flask, shop: Shop) -> None:
    done = run(app, "import", "members", "-", "--json", input="email\na@x.com\n")
    assert (done.exit_code, json.loads(done.stdout)["created"]) == (0, 1)


def test_a_file_that_is_not_there_is_one_line(app: Flask, shop: Shop) -> None:
    done = run(app, "import", "members", "nowhere.csv")
    assert (done.exit_code, done.stderr) == (2, "nowhere.csv cannot be read: No such file or directory.\n")


def test_orders_go_through_the_inbox_and_a_bad_line_alone_is_refused(
    app: Flask, client: FlaskClient, runtime: Runtime, caller: Caller, shop: Shop, tmp_path: Path
) -> None:
    till = make_till(runtime, shop.account)
    path = tmp_path / "orders.jsonl"
    sales = [
        make_sale("R-1", "1000", buyer={"email": "amy@x.com"}),
        make_sale("R-2", "x"),
        make_sale("R-3", "20"),
    ]
    cut = json.dumps(make_sale("R-\ud83d"))
    lines = [
        *map(json.dumps, sales),
        "nonsense",
        "[" * 200_000,
        "9" * 5000,
        cut,
        json.dumps(make_sale("R-4", "30")),
    ]
    path.write_text("\n".join(lines) + "\n")
    words = ("import", "orders", str(path), "--store", till.key, "--json")
    done = run(app, *words)
    data = json.loads(done.stdout)
    assert (done.exit_code, data["accepted"], data["repeated"]) == (1, 3, 0)
    assert [each["row"] for each in data["refused"]] == [2, 4, 5, 6, 7]
    assert json.loads(run(app, *words).stdout)["repeated"] == 3
    told(app, "jobs", "run", "drain-inbox")
    (member,) = caller.get("/members", email="amy@x.com").json["data"]  # type: ignore[index]
    assert member["balance"]["available"] == 1000


def test_the_sweeper_finds_files_that_nobody_was_woken_for(app: Flask, caller: Caller, shop: Shop) -> None:
    sent = caller.headers(Content_Type="text/csv")
    made = caller.client.post("/api/v1/imports", data=b"email,points\na@x.com,5\n", headers=sent).json
    assert made is not None
    assert made["state"] == "waiting"
    told(app, "jobs", "run", "sweep")
    assert caller.get(f"/imports/{made['id']}").json["state"] == "done"  # type: ignore[index]
