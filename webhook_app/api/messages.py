"""What shops sent and what they were told; both can be taken again."""

from __future__ import annotations

from functools import partial

from loyalty.activity.service import note
from loyalty.engine.retrying import retry_all, retry_pushes
from loyalty.errors import NotFound
from loyalty.inbox import repository as inbox
from loyalty.inbox.repository import Which
from loyalty.outbox import repository as outbox
from loyalty.stores.service import list_places
from webhook_app.api.answers import CountSchema, MessageSchema, PushSchema, WaitingSchema, page_of
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import InboxQuery, PushesQuery, ReplayRequest, RetryRequest
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("messages", __name__, description="What shops sent, and what they were told.")


@blueprint.reads("/inbox", page_of(MessageSchema), InboxQuery)
def list_inbox(query: Data) -> Data:
    """List messages without their bodies, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = inbox.list_messages(connection, query["status"], before, limit + 1, query["topic"])
    return page(rows, limit, lambda row: row["id"])


@blueprint.writes("/inbox/<int:message>/replay", WaitingSchema, status=202)
def replay(writing: Writing, message: int) -> Data:
    """Let a message be taken again; what it says already counts only once."""
    account = access().account
    if not inbox.replay(writing.connection, Which(ids=(message,))):
        raise NotFound("There is no such message, or it waits already.")
    note(writing.connection, account, actor(), "inbox.replayed", str(message))
    writing.afterwards.append(partial(tools().wake_inbox, account))
    return {"id": message, "status": "pending"}


@blueprint.writes("/inbox/replay", CountSchema, status=202, body=ReplayRequest)
def replay_many(writing: Writing, asked: Data) -> Data:
    """Let all messages of a status be taken again, those of a topic or a range of ids where these are given."""
    account = access().account
    count = inbox.replay(writing.connection, Which(**asked))
    note(
        writing.connection,
        account,
        actor(),
        "inbox.replayed",
        asked["status"],
        count=count,
        topic=asked["topic"],
    )
    writing.afterwards.append(partial(tools().wake_inbox, account))
    return {"count": count}


@blueprint.reads("/pushes", page_of(PushSchema), PushesQuery)
def list_pushes(query: Data) -> Data:
    """List what shops were told, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = outbox.list_pushes(connection, query["status"], before, limit + 1)
    return page(rows, limit, lambda row: row["id"])


@blueprint.writes("/pushes/<int:push>/retry", WaitingSchema, status=202)
def retry(writing: Writing, push: int) -> Data:
    """Let a failed push be tried again now."""
    account = access().account
    if not retry_pushes(writing.connection, [push]):
        raise NotFound("There is no such failed push, or something newer was said.")
    note(writing.connection, account, actor(), "pushes.retried", str(push))
    stores = [place.store for place in list_places(writing.connection)]
    writing.afterwards.append(partial(tools().wake_pushes, account, stores))
    return {"id": push, "status": "waiting"}


@blueprint.writes("/pushes/retry", CountSchema, status=202, body=RetryRequest)
def retry_many(writing: Writing, asked: Data) -> Data:
    """Let all failed pushes be tried again now, those of a reason where one is given."""
    account = access().account
    count = retry_all(writing.connection, asked["reason"])
    note(writing.connection, account, actor(), "pushes.retried", asked["reason"] or "", count=count)
    stores = [place.store for place in list_places(writing.connection)]
    writing.afterwards.append(partial(tools().wake_pushes, account, stores))
    return {"count": count}
