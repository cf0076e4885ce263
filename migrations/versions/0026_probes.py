"""Readiness tries the keys on the oldest account and on the newest: a rotation goes from one to the other."""

from alembic import op

revision = "0026_probes"
down_revision = "0025_calls"

SEALED = """
drop function laurel_sealed();
create function laurel_sealed()
returns {kind}
language sql stable security definer set search_path = public
as $$
    {select}
$$;
revoke execute on function laurel_sealed() from public;
grant execute on function laurel_sealed() to laurel_app;
"""
NEWEST = "select coupon_key from accounts order by id desc limit 1"
OLDEST = "select coupon_key from accounts order by id limit 1"


def upgrade() -> None:
    """Return something sealed of both."""
    statement = SEALED.format(kind="setof bytea", select=f"({OLDEST}) union ({NEWEST})")
    op.get_bind().connection.cursor().execute(statement)


def downgrade() -> None:
    """Return something sealed of the newest again."""
    op.get_bind().connection.cursor().execute(SEALED.format(kind="bytea", select=NEWEST))
