"""Stores that tell of their orders by API: tills, and channels without a shop."""

from alembic import op

revision = "0010_tills"
down_revision = "0009_community"

UP = """
alter table stores drop constraint ck_stores_platform;
alter table stores add constraint ck_stores_platform check (platform in ('woocommerce', 'shopify', 'till'));
comment on table stores is
    'credentials and webhook_secrets are encrypted JSON; webhook_token is the random part of the address;'
    ' url of a till: `till:<name>`';
"""


def upgrade() -> None:
    """Let stores be of one more platform."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Orders of tills cannot be told to any other release."""
    raise NotImplementedError("restore a backup instead of going back before 0010")
