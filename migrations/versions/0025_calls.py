"""Calls of other systems go out also while the store with whose pushes they go is disconnected."""

from alembic import op

revision = "0025_calls"
down_revision = "0024_called_off"

DUE = """
create or replace function laurel_due_work(as_of timestamptz)
returns table (kind text, account_id uuid, store_id uuid)
language sql stable security definer set search_path = public
as $$
    select distinct 'drain', inbox_messages.account_id, null::uuid from inbox_messages where status = 'pending'
    union
    select distinct 'drain', members.account_id, null::uuid from members where must_refold
    union
    select distinct 'read', waiting.account_id, waiting.store_id
    from inbox_messages waiting join stores on stores.id = waiting.store_id and stores.state = 'connected'
    where status = 'reading' and coalesce(not_before, as_of) <= as_of and coalesce(leased_until, as_of) <= as_of
    union
    select distinct 'push', waiting.account_id, waiting.store_id
    from pushes waiting join stores on stores.id = waiting.store_id and {wanted}
    where status = 'waiting' and coalesce(not_before, as_of) <= as_of and coalesce(leased_until, as_of) <= as_of
$$
"""


def upgrade() -> None:
    """Let such calls count as work that is due."""
    wanted = "(stores.state = 'connected' or waiting.kind = 'post_webhook')"
    op.get_bind().connection.cursor().execute(DUE.format(wanted=wanted))


def downgrade() -> None:
    """Let them wait for their store again."""
    op.get_bind().connection.cursor().execute(DUE.format(wanted="stores.state = 'connected'"))
