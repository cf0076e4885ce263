"""Services: what people carry out, tickets with seats, events that are called off, what rules give beside codes."""

from alembic import op

revision = "0013_services"
down_revision = "0012_figures"

UP = """
alter table redemptions alter column number drop not null;
alter table redemptions add column cause text;
alter table redemptions add constraint uq_redemptions_account_id_cause unique (account_id, cause);
alter table redemptions add constraint ck_redemptions_source check ((number is null) = (cause is not null));
alter table redemptions drop constraint ck_redemptions_fulfilment;
alter table redemptions add constraint ck_redemptions_fulfilment
    check (fulfilment in ('open', 'accepted', 'done', 'refused', 'cancelled'));
comment on table redemptions is
    'number: of the accepted command; cause: why a rule gave it, where none asked; state: what the fold made of the'
    ' points; fulfilment: how far people are with a service';

alter table gatherings add column called_off_at timestamp with time zone;
alter table sign_ups add column redemption_id uuid;
alter table sign_ups add constraint uq_sign_ups_account_id_redemption_id unique (account_id, redemption_id);
alter table sign_ups add constraint fk_sign_ups_account_id_redemption_id
    foreign key(account_id, redemption_id) references redemptions (account_id, id);
comment on table sign_ups is
    'is_counted: whether attending was recorded as an activity, null until then;'
    ' redemption_id: the ticket that it was redeemed by';
"""


def upgrade() -> None:
    """Widen the tables."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Seats would no longer know their tickets."""
    raise NotImplementedError("restore a backup instead of going back before 0013")
