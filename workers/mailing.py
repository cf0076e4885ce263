"""Send the mails that wait, outside any transaction, each leased to one worker; what fails is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy import RowMapping

from connectors.smtp import Mail, MailServer
from loyalty.clock import utc_now
from loyalty.crypto import Vault
from loyalty.logs import where
from loyalty.mails import repository as mails
from loyalty.pushes import PushError
from loyalty.values import AccountId
from workers.runtime import Runtime

BATCH = 20
LEASE = timedelta(minutes=10)
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
MOST_ATTEMPTS = 12

log = structlog.get_logger(__name__)


def deliver_mails(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Send what is due of an account; return how many mails were sent. Without a mail server, or with pushes switched
    off, nothing is sent and everything waits; so does what no key opens, without an attempt.
    """
    settings = runtime.settings
    if not settings.push or not settings.smtp_url:
        return 0
    server = MailServer(settings.smtp_url, urlsplit(settings.public_url).hostname or "localhost")
    sent = 0
    while True:
        at = now or utc_now()
        with runtime.database.transaction(account) as connection:
            rows = mails.claim_mails(connection, at, BATCH, LEASE)
        for row in _readable(runtime, account, rows):
            sent += _send(runtime, account, server, row, at)
        if len(rows) < BATCH:
            return sent


def _readable(runtime: Runtime, account: AccountId, rows: Sequence[RowMapping]) -> list[RowMapping]:
    """Return what can be opened; put the rest back, as the right keys may come again."""
    readable = [row for row in rows if runtime.vault.opens(row["sealed"])]
    unreadable = {row["id"] for row in rows} - {row["id"] for row in readable}
    if unreadable:
        log.error("mails_unreadable", account=str(account), mails=len(unreadable))
        with runtime.database.transaction(account) as connection:
            mails.put_back_mails(connection, sorted(unreadable))
    return readable


def _send(runtime: Runtime, account: AccountId, server: MailServer, row: RowMapping, now: datetime) -> bool:
    id, attempts = row["id"], row["attempts"]
    error = _hand_over(server, runtime.vault, row["sealed"])
    if error is None:
        with runtime.database.transaction(account) as connection:
            mails.settle_mails(connection, [id], "sent", "", now)
        return True
    is_over = error.permanent or attempts >= MOST_ATTEMPTS
    log.warning("mail_not_sent", account=str(account), mail=id, outcome=error.reason, over=is_over)
    with runtime.database.transaction(account) as connection:
        if is_over:
            mails.settle_mails(connection, [id], "failed", error.message, now)
        else:
            wait = min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
            mails.postpone_mail(connection, id, now + wait, error.message)
    return False


def _hand_over(server: MailServer, vault: Vault, sealed: bytes) -> PushError | None:
    """Send a mail; return what went wrong, also what nobody foresaw: it holds up no other mail."""
    try:
        server.send(Mail(**vault.open_json(sealed)))
    except PushError as error:
        return error
    except BaseTimeoutException:
        raise
    except Exception as error:
        log.error("mail_failed", error=where(error))
        return PushError("The mail could not be sent.", permanent=False, reason="unreachable")
    return None
