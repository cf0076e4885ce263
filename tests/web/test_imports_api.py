"""Files of members by API: taken by a worker, looked at, mended, undone, and all members as a file."""

from __future__ import annotations

import json
from typing import Any

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller
from workers.importing import run_imports
from workers.runtime import Runtime

FILE = b'Email,Points,Note\na@x.com,"1,200",x\nb@x.com,many,y\n'


def send(caller: Caller, body: bytes, path: str = "/imports", **headers: str) -> Any:
    sent = caller.headers(**{"Content-Type": "text/csv", **headers})
    return caller.client.post(f"/api/v1{path}", data=body, headers=sent)


def test_a_file_is_imported_its_refused_rows_are_returned_and_all_is_undone(
    runtime: Runtime, caller: Caller, stranger: Caller, shop: Shop
) -> None:
    made = send(caller, FILE)
    assert (made.status_code, made.json["state"], made.json["rows"], made.json["ignored"]) == (
        202, "waiting", 2, ["Note"])  # fmt: skip
    path = f"/imports/{made.json['id']}"
    assert run_imports(runtime, shop.account) > 0
    done = caller.get(path).json
    assert done is not None
    assert {name: done[name] for name in ("state", "valid", "invalid", "created", "points", "dry_run")} == {
        "state": "done", "valid": 1, "invalid": 1, "created": 1, "points": 1200, "dry_run": False,
    }  # fmt: skip
    refused = caller.get(f"{path}/errors")
    assert refused.mimetype == "text/csv"
    assert refused.text.splitlines()[1].startswith('3,points,"points: Must be a whole number')
    (member,) = caller.get("/members", email="a@x.com").json["data"]  # type: ignore[index]
    assert member["balance"]["available"] == 1200
    for method, place in (("get", path), ("get", f"{path}/errors"), ("post", f"{path}/undo")):
        assert getattr(stranger, method)(place).status_code == 404
    assert caller.get("/imports").json["data"] == [done]  # type: ignore[index]
    assert caller.post(f"{path}/undo").json["state"] == "undoing"  # type: ignore[index]
    run_imports(runtime, shop.account)
    assert caller.get(path).json["state"] == "undone"  # type: ignore[index]
    assert caller.get("/members", email="a@x.com").json["data"] == []  # type: ignore[index]


def test_a_form_with_a_file_a_dry_run_and_a_repeated_request(
    runtime: Runtime, caller: Caller, shop: Shop
) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="members.csv"\r\n\r\n'
    form, sort = part + FILE + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"
    sent = {"Content-Type": sort, "Idempotency-Key": "once"}
    answers = [send(caller, form, "/imports?dry_run=true", **sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json == answers[1].json
    assert (answers[0].json["name"], answers[0].json["dry_run"]) == ("members.csv", True)
    run_imports(runtime, shop.account)
    assert caller.post(f"/imports/{answers[0].json['id']}/undo").status_code == 409
    assert caller.get("/members", email="a@x.com").json["data"] == []  # type: ignore[index]


def test_what_cannot_be_a_file_of_members_is_refused(runtime: Runtime, caller: Caller) -> None:
    assert send(caller, b"points\n5\n").status_code == 422
    assert send(caller, b"").status_code == 422
    open_quote = send(caller, b'email,points\na@x.com,1\nb@x.com,"2\nc@x.com,3\n')
    assert (open_quote.status_code, open_quote.json["detail"][:40]) == (
        422,
        "A quoted cell that begins in line 3 does",
    )
    assert caller.get("/imports").json["data"] == []  # type: ignore[index]
    assert send(caller, FILE, "/imports?store=nowhere").status_code == 422
    assert send(caller, FILE, "/imports?dry=1").status_code == 422
    clerk = make_caller(runtime, caller.client, make_shop(runtime, make_document()), ("read", "write"))
    assert send(clerk, FILE).status_code == 403
    assert clerk.get("/exports/members").status_code == 403


def test_without_a_program_nothing_can_be_imported(runtime: Runtime, caller: Caller) -> None:
    empty = make_caller(runtime, caller.client, make_shop(runtime))
    assert send(empty, FILE).status_code == 409


def test_all_members_are_a_file_without_secrets(
    runtime: Runtime, caller: Caller, stranger: Caller, shop: Shop
) -> None:
    send(caller, b"email,name,points\na@x.com,=1+1,7\n")
    run_imports(runtime, shop.account)
    table, lines = caller.get("/exports/members"), caller.get("/exports/members", format="jsonl")
    header, row = table.text.lstrip("\ufeff").splitlines()
    assert "'=1+1" in row
    assert not {"password", "token", "secret", "key"} & set(header.split(","))
    assert [line["points"] for line in map(json.loads, lines.text.splitlines())] == [7]
    assert len(stranger.get("/exports/members").text.splitlines()) == 1
    assert caller.get("/exports/members", format="xls").status_code == 422


def test_a_file_may_be_larger_than_a_delivery_and_is_described(caller: Caller) -> None:
    wide = b"email,note\n" + b"".join(b"m%d@x.com,%s\n" % (n, b"x" * 100_000) for n in range(60))
    made = send(caller, wide)
    assert (made.status_code, made.json["rows"]) == (202, 60)
    spec = caller.client.get("/api/v1/openapi.json").json
    assert spec is not None
    content = spec["paths"]["/api/v1/imports"]["post"]["requestBody"]["content"]
    assert set(content) == {"text/csv", "application/x-ndjson", "multipart/form-data"}
