"""Sealing: what is posted is sealed once and in order, and whatever is changed afterwards by whoever owns the
database is found.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random

import pytest
from builders import NOON, make_document, make_woo_order
from databases import Database
from receiving import Desk, make_desk
from sqlalchemy import Connection, create_engine, text

from loyalty.engine import sealing
from loyalty.engine.sealing import seal_ledger
from loyalty.engine.verify import verify_ledger
from loyalty.reports.roots import has_seal, list_roots
from workers import jobs
from workers.runtime import Runtime
from workers.sealing import seal_account

CASH_BACK = make_document(cash_back={"percent": "5"})
COPY = text(
    "insert into ledger_entries (id, account_id, member_id, entry_key, cause, kind, points, balance_after, reason,"
    " explanation, effective_at, content_sha256) select gen_random_uuid(), account_id, member_id,"
    " entry_key || :key, cause, kind, points, balance_after, reason, explanation, effective_at, content_sha256"
    " from ledger_entries order by sequence limit 1"
)


@pytest.fixture
def desk(runtime: Runtime) -> Desk:
    """A member with entries of points and of credit."""
    made = make_desk(runtime, CASH_BACK)
    for number in range(1, 4):
        made.deliver(make_woo_order(number))
        made.drain()
    return made


@contextmanager
def superuser(database: Database) -> Iterator[Connection]:
    engine = create_engine(database.superuser_url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def seal(desk: Desk) -> int:
    return seal_account(desk.runtime, desk.shop.account)


def told(desk: Desk) -> set[str]:
    """What the proof complains of about seals."""
    return {it.what for it in desk.differences() if "seal" in it.what}


def test_everything_is_sealed_once(desk: Desk) -> None:
    assert [row["count"] for row in desk.rows("select count(*) from credit_entries")] == [3]
    assert (seal(desk), seal(desk)) == (6, 0)
    desk.adjust(5)
    assert (seal(desk), desk.differences()) == (1, [])
    assert [row["entries"] for row in desk.rows("select entries from seals order by number")] == [6, 1]


def test_the_job_seals_every_account(desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_desk(runtime, make_document())
    other.deliver(make_woo_order(1))
    other.drain()
    monkeypatch.setattr(jobs, "runtime", lambda: runtime)
    assert (jobs.seal_ledgers(), jobs.seal_ledgers()) == (7, 0)
    assert (desk.differences(), other.differences()) == ([], [])


def test_many_entries_get_several_seals(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST_ENTRIES", 2)
    monkeypatch.setattr(sealing, "PAGE", 2)
    assert seal(desk) == 6
    assert [row["entries"] for row in desk.rows("select entries from seals order by number")] == [2, 2, 2]
    assert desk.differences() == []


def test_two_sealers_at_once_seal_once(desk: Desk) -> None:
    with desk.connect() as one:
        assert seal_ledger(one, desk.shop.account, NOON) == 6
        assert seal(desk) == 0
    assert desk.differences() == []


def test_a_lower_sequence_that_commits_later_is_not_left_behind(desk: Desk, database: Database) -> None:
    seal(desk)
    with superuser(database) as slow:
        slow.execute(text("select id from members for no key update"))
        slow.execute(COPY, {"key": "-slow"})
        engine = create_engine(database.superuser_url)
        with engine.begin() as quick:
            quick.execute(text("select pg_current_xact_id()"))
            quick.execute(COPY, {"key": "-quick"})
        engine.dispose()
        assert seal(desk) == 0, "the lower sequence is not decided yet"
        assert seal(desk) == 0, "and still is not"
    assert (seal(desk), told(desk)) == (2, set())


def test_a_mark_is_enough_while_somebody_always_writes(desk: Desk, database: Database) -> None:
    """Transactions overlap without a pause: what an earlier run marked is sealed all the same."""
    engine = create_engine(database.superuser_url)
    with engine.connect() as first, engine.connect() as second:
        first.execute(text("select pg_current_xact_id()"))
        assert seal(desk) == 0
        second.execute(text("select pg_current_xact_id()"))
        first.rollback()
        desk.adjust(5)
        assert seal(desk) == 6, "up to the mark, not beyond"
        second.rollback()
    engine.dispose()
    assert (seal(desk), desk.differences()) == (1, [])


def test_a_mark_of_another_cluster_holds_nothing_up(desk: Desk, database: Database) -> None:
    with desk.connect() as connection:
        connection.execute(
            text("insert into seal_marks values (:account, 0, 0, 9000000000000)"),
            {"account": desk.shop.account},
        )
    engine = create_engine(database.superuser_url)
    with engine.connect() as writer:
        writer.execute(text("select pg_current_xact_id()"))
        assert seal(desk) == 0
        assert desk.rows("select transaction < 9000000000000 as own from seal_marks") == [{"own": True}]
    engine.dispose()
    assert seal(desk) == 6


def test_nothing_is_lost_between_writers_and_sealers(desk: Desk, database: Database) -> None:
    """Writers of different lengths, sealers all the time: every entry lies in exactly one seal."""
    engine = create_engine(database.superuser_url, pool_size=6)
    done = threading.Event()

    def write(seed: int) -> None:
        random = Random(seed)
        for number in range(25):
            with engine.begin() as connection:
                connection.execute(text("select pg_current_xact_id()"))
                for part in range(random.randint(1, 3)):
                    connection.execute(COPY, {"key": f"-{seed}-{number}-{part}"})
                    connection.execute(text("select pg_sleep(:time)"), {"time": random.random() / 200})

    def seal_always() -> None:
        while not done.is_set():
            seal(desk)

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    sealers = [threading.Thread(target=seal_always) for _ in range(2)]
    for thread in (*writers, *sealers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in sealers:
        thread.join()
    while desk.rows("select exists (select from ledger_entries where sequence > (select max(points_through)"
                    " from seals)) as rest") == [{"rest": True}]:  # fmt: skip
        seal(desk)
    engine.dispose()
    counts = desk.rows(
        "select (select sum(entries) from seals) = (select count(*) from ledger_entries)"
        " + (select count(*) from credit_entries) as all, (select count(*) > 3 from seals) as several"
    )
    assert (counts, told(desk)) == ([{"all": True, "several": True}], set())


TAMPERINGS = {
    "changed points": "update ledger_entries set points = points + 1, content_sha256 = sha256('x')"
    " where sequence = (select min(sequence) from ledger_entries)",
    "moved in time": "update ledger_entries set posted_at = posted_at - interval '1 day'"
    " where sequence = (select max(sequence) from ledger_entries)",
    "removed entry": "delete from ledger_entries where sequence = (select max(sequence) from ledger_entries)",
    "removed credit": "delete from credit_entries where sequence = (select min(sequence) from credit_entries)",
    "changed credit": "update credit_entries set content_sha256 = sha256('x')"
    " where sequence = (select max(sequence) from credit_entries)",
    "inserted entry": "insert into ledger_entries (id, account_id, member_id, sequence, entry_key, cause, kind,"
    " points, balance_after, reason, explanation, effective_at, content_sha256) overriding system value"
    " select gen_random_uuid(), account_id, member_id, sequence - 1000, entry_key || 'x', cause, kind, points,"
    " balance_after, reason, explanation, effective_at, content_sha256 from ledger_entries order by sequence limit 1",
    "two entries swapped": "update ledger_entries set sequence = default where sequence ="
    " (select min(sequence) from ledger_entries)",
}


CHANGED_SEALS = {
    "delete from seals where number = 1": {"number of the next seal", "seal before seal 2"},
    "delete from seals where number = 2": {"number of the next seal", "seal before seal 3"},
    "update seals set sealed_at = now() where number = 2": {"hash of seal 2"},
    "update seals set root = sha256('x') where number = 2": {"root of seal 2", "hash of seal 2"},
    "update seals set previous = sha256('x') where number = 2": {"seal before seal 2", "hash of seal 2"},
    "update seals set entries = 9 where number = 2": {"entries of seal 2", "hash of seal 2"},
}


def found_after(database: Database, statement: str) -> set[str]:
    """What the proof of the seals says after a change that is taken back again."""
    found: set[str] = set()
    engine = create_engine(database.superuser_url)
    with engine.connect() as owner:
        assert owner.execute(text(statement)).rowcount == 1, statement
        sealing.check_seals(owner, lambda what, stored, expected: found.update([what] * (stored != expected)))
        owner.rollback()
    engine.dispose()
    return found


def test_what_is_changed_after_its_seal_is_found(desk: Desk, database: Database) -> None:
    seal(desk)
    assert told(desk) == set()
    for name, tampering in TAMPERINGS.items():
        assert "root of seal 1" in found_after(database, tampering), name


def test_changed_seals_are_found(desk: Desk, database: Database) -> None:
    for _ in range(3):
        seal(desk)
        desk.adjust(1)
    assert told(desk) == set()
    for tampering, found in CHANGED_SEALS.items():
        assert found_after(database, tampering) >= found, tampering


def test_an_entry_that_fits_its_own_hash_again_is_found(desk: Desk, database: Database) -> None:
    """Who removes a member's newest entry and mends his figures fools every check of the member, not the seal."""
    desk.adjust(7)
    seal(desk)
    with superuser(database) as owner:
        for statement in (
            "delete from ledger_entries where points = 7",
            "delete from lots where points = 7",
            "update members set points_sum = points_sum - 7",
        ):
            owner.execute(text(statement))
    with desk.connect() as connection:
        found = verify_ledger(connection, desk.shop.account).differences
    assert {it.what for it in found} == {"entries of seal 1", "root of seal 1"}


def test_who_makes_all_seals_anew_is_found_by_a_root_that_was_kept(desk: Desk, database: Database) -> None:
    seal(desk)
    with desk.connect() as connection:
        kept = bytes.fromhex(list_roots(connection, None, 1)[0]["sha256"])
        assert has_seal(connection, kept)
    with superuser(database) as owner:
        owner.execute(text(TAMPERINGS["removed entry"]))
        owner.execute(text("delete from seals"))
    seal(desk)
    assert told(desk) == set()
    with desk.connect() as connection:
        assert not has_seal(connection, kept)


def test_roots_are_the_last_of_each_local_day(desk: Desk) -> None:
    # Noon in Taipei; 15 hours later it is three in the morning there, the same day in UTC.
    for hours in (0, 1, 15, 16, 24 * 5):
        desk.adjust(1)
        seal_account(desk.runtime, desk.shop.account, NOON + timedelta(hours=hours))
    with desk.connect() as connection:
        rows = list_roots(connection, None, 10)
        later = list_roots(connection, rows[0]["number"], 10)
    assert [(str(row["day"]), row["number"]) for row in rows] == [
        ("2026-03-15", 5), ("2026-03-11", 4), ("2026-03-10", 2),
    ]  # fmt: skip
    assert later == rows[1:]
