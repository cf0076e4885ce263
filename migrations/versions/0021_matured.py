"""Points that become usable by time alone: found, and told to the shops that show them."""

from alembic import op

revision = "0021_matured"
down_revision = "0020_cards"

UP = """
alter table stores add column matured_until timestamp with time zone;
comment on table stores is
    'credentials and webhook_secrets are encrypted JSON; webhook_token is the random part of the address;'
    ' url of a till: `till:<name>`; looked_until: up to which change, by the shop''s clock, it was looked over;'
    ' points_from: orders paid before it count toward tiers and give no points; shop_domain: by which deliveries of'
    ' Shopify name it; erase_at: the shop wants its persons forgotten since then; matured_until: the shop was told of'
    ' what became usable by time up to then';
create index ix_lots_maturing on lots (account_id, available_from) where available_from > created_at;
"""


def upgrade() -> None:
    """Add the column and the index."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Drop them again."""
    op.execute("drop index ix_lots_maturing")
    op.execute("alter table stores drop column matured_until")
