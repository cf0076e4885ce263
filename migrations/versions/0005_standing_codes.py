"""Coupons that serve as long as a tier lasts, and coupons that free an order of its shipping."""

from alembic import op

revision = "0005_standing_codes"
down_revision = "0004_campaign_corrections"

UP = """
alter table coupons add column reusable boolean default false not null;
alter table coupons add column free_shipping boolean default false not null;
alter table coupons add constraint ck_coupons_reusable_is_never_used
    check (not reusable or (used_by is null and state <> 'used'));
alter table coupons add constraint ck_coupons_free_shipping
    check (kind <> 'free_shipping' or (free_shipping and amount = 0));
comment on table coupons is
    'used_by: key of the order that used it; reusable: serves as long as the member''s tier period';

-- Free shipping as an entry reward was kept and is issued now: members of such programs are folded again.
alter table members no force row level security;
alter table program_versions no force row level security;
update members set must_refold = true where joined_at is not null and account_id in (
    select account_id from program_versions
    where jsonb_path_exists(cast(document as jsonb), '$.rewards[*] ? (@.kind == "free_shipping")')
);
alter table program_versions force row level security;
alter table members force row level security;
"""


def upgrade() -> None:
    """Add the columns; every coupon so far serves once and takes nothing off the shipping."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Reusable codes would be withdrawn as coupons without a cause."""
    raise NotImplementedError("restore a backup instead of going back before 0005")
