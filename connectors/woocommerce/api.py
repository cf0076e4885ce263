"""The few ways in which WooCommerce's REST API v3 is asked: pages, chunks of ids, batches, and its refusals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from connectors.halving import ask_in_halves
from connectors.http import Answer, Door
from loyalty.pushes import OneFailed, OneTooSlow, PushError

API = "wp-json/wc/v3"
LARGEST_PAGE = 100
"""Also the limit of a batch: more is a 413 (class-wc-rest-controller.php:180)."""
MOST_PAGES = 1000
NO_ROUTE = "rest_no_route"
T = TypeVar("T")


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the items in runs that one call may carry."""
    return (items[start : start + LARGEST_PAGE] for start in range(0, len(items), LARGEST_PAGE))


def list_all(door: Door, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
    """Return every object of a list, page by page; raises PushError."""
    found: list[dict[str, Any]] = []
    for page in range(1, MOST_PAGES + 1):
        answer = door.get(f"{API}/{path}", {**params, "per_page": str(LARGEST_PAGE), "page": str(page)})
        rows = objects(expect(answer))
        found += rows
        if len(rows) < LARGEST_PAGE or answer.headers.get("X-WP-TotalPages") == str(page):
            break
    return found


def find_one(door: Door, path: str, gone: frozenset[str]) -> dict[str, Any] | None:
    """Return an object, or None when the shop says with one of the codes that it has none; raises PushError."""
    answer = door.get(f"{API}/{path}")
    if answer.status == 404 and error_code(answer.data) in gone:
        return None
    return one_object(expect(answer))


def batch(
    door: Door, path: str, action: str, items: Sequence[dict[str, Any]]
) -> list[dict[str, Any] | PushError]:
    """Return the outcome of each item of a batch, in order; raises PushError when the batch fails as a whole.

    A fatal error at one item ends the batch, and nobody knows how much of it is done: it is carried out again in
    halves, so that each must be of the kind that a repeat does not change. One that takes too long may be at it still:
    where it makes things, nobody makes the same ones beside it (the shop locks no code), and all are tried again later.
    """
    ended: list[PushError] = []

    def tell(some: Sequence[int]) -> list[tuple[int, dict[str, Any] | PushError]]:
        if ended:
            return [(place, ended[0]) for place in some]
        try:
            return list(zip(some, _batch(door, path, action, [items[it] for it in some]), strict=True))
        except OneFailed as error:
            if action != "create" or not isinstance(error, OneTooSlow):
                raise
            ended.append(error)
        except PushError as error:
            if len(some) == len(items):
                raise
            ended.append(_for_now(error))
        return [(place, ended[0]) for place in some]

    answers, failed = ask_in_halves(tell, range(len(items)))
    outcomes = dict(answers) | {place: error for some, error in failed for place in some}
    return [outcomes[place] for place in range(len(items))]


def _for_now(error: PushError) -> PushError:
    """Return a refusal as a passing one: what is refused now may have been carried out with the batch before."""
    return PushError(error.message, permanent=False, reason=error.reason, retry_after=error.retry_after)


def _batch(door: Door, path: str, action: str, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = expect(door.call("POST", f"{API}/{path}/batch", payload={action: list(items)}))
    outcomes = objects(one_object(answer).get(action))
    if len(outcomes) != len(items):
        raise PushError("The shop answered another number of items.", permanent=False, reason="unreachable")
    return outcomes


def expect(answer: Answer) -> Any:
    """Return the data of a successful answer; raises PushError that names the shop's own refusal."""
    if answer.status < 400:
        return answer.data
    raise refusal(answer.data, answer.status)


def refusal(error: Any, status: int) -> PushError:
    """Return the PushError of a REST error of the shop; a missing route means that WooCommerce is switched off."""
    code = error_code(error)
    message = f"The shop answered {code or status}."
    if status in (401, 403):
        return PushError(message, permanent=True, reason="permission")
    if code == NO_ROUTE:
        return PushError(message, permanent=False, reason="configuration")
    if status == 429 or status >= 500:
        return PushError(message, permanent=False, reason="limit" if status == 429 else "unreachable")
    return PushError(message, permanent=True, reason="rejected")


def item_refusal(error: Any) -> PushError:
    """Return the PushError of one item of a batch; `data` is an object, at some places a bare number."""
    data = error.get("data") if isinstance(error, dict) else None
    status = data.get("status") if isinstance(data, dict) else data
    return refusal(error, status if isinstance(status, int) else 500)


def error_code(error: Any) -> str:
    """Return the code of a REST error; empty when there is none."""
    return str(error.get("code", ""))[:80] if isinstance(error, dict) else ""


def objects(data: Any) -> list[dict[str, Any]]:
    """Return the data as a list of objects; raises PushError."""
    if isinstance(data, list) and all(isinstance(each, dict) for each in data):
        return data
    raise PushError("The shop answered something else than a list.", permanent=False, reason="unreachable")


def one_object(data: Any) -> dict[str, Any]:
    """Return the data as an object; raises PushError."""
    if isinstance(data, dict):
        return data
    raise PushError("The shop answered something else than an object.", permanent=False, reason="unreachable")
