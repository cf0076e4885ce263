"""What members take part in: events with sign-ups, polls with answers, challenges with submissions, lucky draws."""

from alembic import op

revision = "0009_community"
down_revision = "0008_automations"

UP = """
create table gatherings (
    id bigint generated always as identity,
    account_id uuid not null,
    key text not null,
    name jsonb not null,
    description jsonb not null,
    form text not null,
    check_in text not null,
    is_online boolean not null,
    place text not null,
    starts_at timestamp with time zone not null,
    ends_at timestamp with time zone not null,
    opens_at timestamp with time zone not null,
    closes_at timestamp with time zone not null,
    capacity integer,
    taken integer default '0' not null,
    has_waiting_list boolean not null,
    audience jsonb not null,
    activity text not null,
    message text,
    goal jsonb,
    theme jsonb not null,
    channels text[] not null,
    constraint pk_gatherings primary key (id),
    constraint uq_gatherings_account_id_key unique (account_id, key),
    constraint uq_gatherings_account_id_id unique (account_id, id),
    constraint ck_gatherings_seats check (taken between 0 and coalesce(capacity, taken)),
    constraint ck_gatherings_times check (starts_at < ends_at and opens_at < closes_at),
    constraint ck_gatherings_form
        check (form in ('lecture', 'meet', 'community', 'contest', 'trial', 'workshop', 'class', 'other')),
    constraint ck_gatherings_check_in check (check_in in ('code', 'staff')),
    constraint fk_gatherings_account_id foreign key(account_id) references accounts (id)
);
comment on table gatherings is
    'events that members sign up for; taken: seats in use, its row is locked to give one';
alter table gatherings enable row level security;
alter table gatherings force row level security;
create policy of_account on gatherings
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on gatherings to laurel_app;

create table sign_ups (
    id bigint generated always as identity,
    account_id uuid not null,
    gathering_id bigint not null,
    member_id uuid not null,
    state text not null,
    queued_at timestamp with time zone not null,
    changed_at timestamp with time zone not null,
    is_counted boolean,
    constraint pk_sign_ups primary key (id),
    constraint fk_sign_ups_account_id_gathering_id
        foreign key(account_id, gathering_id) references gatherings (account_id, id),
    constraint fk_sign_ups_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id),
    constraint uq_sign_ups_account_id_gathering_id_member_id unique (account_id, gathering_id, member_id),
    constraint ck_sign_ups_state check (state in ('signed_up', 'waiting', 'cancelled', 'attended', 'absent'))
);
create index ix_sign_ups_member on sign_ups (account_id, member_id);
create index ix_sign_ups_waiting on sign_ups (account_id, gathering_id, queued_at, id) where state = 'waiting';
comment on table sign_ups is
    'is_counted: whether attending was recorded as an activity, null until then';
alter table sign_ups enable row level security;
alter table sign_ups force row level security;
create policy of_account on sign_ups
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on sign_ups to laurel_app;

create table polls (
    id bigint generated always as identity,
    account_id uuid not null,
    key text not null,
    kind text not null,
    name jsonb not null,
    description jsonb not null,
    questions jsonb not null,
    opens_at timestamp with time zone not null,
    closes_at timestamp with time zone,
    audience jsonb not null,
    activity text not null,
    constraint pk_polls primary key (id),
    constraint uq_polls_account_id_key unique (account_id, key),
    constraint uq_polls_account_id_id unique (account_id, id),
    constraint ck_polls_kind check (kind in ('poll', 'survey')),
    constraint ck_polls_times check (opens_at < closes_at),
    constraint fk_polls_account_id foreign key(account_id) references accounts (id)
);
alter table polls enable row level security;
alter table polls force row level security;
create policy of_account on polls
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on polls to laurel_app;

create table poll_answers (
    id bigint generated always as identity,
    account_id uuid not null,
    poll_id bigint not null,
    member_id uuid not null,
    answers jsonb not null,
    answered_at timestamp with time zone not null,
    is_counted boolean not null,
    constraint pk_poll_answers primary key (id),
    constraint fk_poll_answers_account_id_poll_id
        foreign key(account_id, poll_id) references polls (account_id, id),
    constraint fk_poll_answers_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id),
    constraint uq_poll_answers_account_id_poll_id_member_id unique (account_id, poll_id, member_id)
);
create index ix_poll_answers_member on poll_answers (account_id, member_id);
comment on table poll_answers is
    'answers: option, list of options, number or text by the question''s key';
alter table poll_answers enable row level security;
alter table poll_answers force row level security;
create policy of_account on poll_answers
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on poll_answers to laurel_app;

create table challenges (
    id bigint generated always as identity,
    account_id uuid not null,
    key text not null,
    name jsonb not null,
    description jsonb not null,
    opens_at timestamp with time zone not null,
    closes_at timestamp with time zone,
    audience jsonb not null,
    activity text not null,
    per_member integer not null,
    constraint pk_challenges primary key (id),
    constraint uq_challenges_account_id_key unique (account_id, key),
    constraint uq_challenges_account_id_id unique (account_id, id),
    constraint ck_challenges_times check (opens_at < closes_at),
    constraint ck_challenges_per_member check (per_member >= 1),
    constraint fk_challenges_account_id foreign key(account_id) references accounts (id)
);
alter table challenges enable row level security;
alter table challenges force row level security;
create policy of_account on challenges
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on challenges to laurel_app;

create table submissions (
    id bigint generated always as identity,
    account_id uuid not null,
    challenge_id bigint not null,
    member_id uuid not null,
    text text not null,
    urls text[] not null,
    state text not null,
    submitted_at timestamp with time zone not null,
    reason text default '' not null,
    moderator text,
    judged_at timestamp with time zone,
    is_counted boolean,
    constraint pk_submissions primary key (id),
    constraint fk_submissions_account_id_challenge_id
        foreign key(account_id, challenge_id) references challenges (account_id, id),
    constraint fk_submissions_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id),
    constraint ck_submissions_state check (state in ('submitted', 'approved', 'rejected')),
    constraint ck_submissions_says_who
        check (state = 'submitted' or (judged_at is not null and btrim(moderator) <> '')),
    constraint ck_submissions_says_why check (state <> 'rejected' or btrim(reason) <> '')
);
create index ix_submissions_challenge on submissions (account_id, challenge_id, member_id);
create index ix_submissions_member on submissions (account_id, member_id);
comment on table submissions is
    'moderator: who approved or rejected it; is_counted: whether approval was recorded as an activity';
alter table submissions enable row level security;
alter table submissions force row level security;
create policy of_account on submissions
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on submissions to laurel_app;

create table draws (
    id bigint generated always as identity,
    account_id uuid not null,
    key text not null,
    name jsonb not null,
    description jsonb not null,
    entrants jsonb not null,
    winners integer not null,
    activity text not null,
    seed bytea not null,
    commitment bytea not null,
    drawn_at timestamp with time zone,
    constraint pk_draws primary key (id),
    constraint uq_draws_account_id_key unique (account_id, key),
    constraint uq_draws_account_id_id unique (account_id, id),
    constraint ck_draws_winners check (winners >= 1),
    constraint ck_draws_seed check (length(seed) = 16 and commitment = sha256(seed)),
    constraint fk_draws_account_id foreign key(account_id) references accounts (id)
);
comment on table draws is
    'seed: shown once it is drawn; commitment: its SHA-256, shown from the start';
alter table draws enable row level security;
alter table draws force row level security;
create policy of_account on draws
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on draws to laurel_app;

create table draw_entries (
    account_id uuid not null,
    draw_id bigint not null,
    position integer not null,
    member_id uuid not null,
    member_key text not null,
    rank integer,
    is_counted boolean,
    constraint pk_draw_entries primary key (account_id, draw_id, position),
    constraint fk_draw_entries_account_id_draw_id
        foreign key(account_id, draw_id) references draws (account_id, id),
    constraint fk_draw_entries_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id),
    constraint uq_draw_entries_account_id_draw_id_member_id unique (account_id, draw_id, member_id),
    constraint uq_draw_entries_account_id_draw_id_rank unique (account_id, draw_id, rank)
);
create index ix_draw_entries_member on draw_entries (account_id, member_id);
comment on table draw_entries is
    'who took part, by member key, as it was at the draw; rank: place among the winners';
alter table draw_entries enable row level security;
alter table draw_entries force row level security;
create policy of_account on draw_entries
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on draw_entries to laurel_app;
"""


def upgrade() -> None:
    """Create the tables."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """What members did would be lost."""
    raise NotImplementedError("restore a backup instead of going back before 0009")
