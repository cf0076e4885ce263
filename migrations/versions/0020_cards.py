"""Gift cards of the shops: found by the shop's own id when an order was paid with one."""

from alembic import op

revision = "0020_cards"
down_revision = "0019_shopify"


def upgrade() -> None:
    """Create what this revision adds."""
    op.execute("create index ix_coupons_cards on coupons (account_id, external_id) where kind = 'gift_card'")


def downgrade() -> None:
    """Drop it again."""
    op.execute("drop index ix_coupons_cards")
