"""Coupons by the instant at which they end: whom to remind of them."""

from alembic import op

revision = "0014_coupon_ends"
down_revision = "0013_services"

UP = """
create index ix_coupons_expires_at on coupons (account_id, expires_at) where state = 'issued';
"""


def upgrade() -> None:
    """Add the index."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Drop the index."""
    op.get_bind().connection.cursor().execute("drop index ix_coupons_expires_at;")
