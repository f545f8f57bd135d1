"""The audit log: nobody changes or removes an entry, not even by mistake.

Revision ID: 0012
"""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    """
create table audit_entries (
  id uuid not null,
  organization_id uuid not null,
  sequence bigint not null,
  at timestamptz not null,
  user_id uuid,
  api_key_id uuid,
  action text not null,
  subject_type text not null,
  subject_id uuid,
  before jsonb,
  after jsonb,
  request_id text,
  address text,
  hash bytea not null,
  constraint pk_audit_entries primary key (id),
  constraint uq_audit_entries_organization_id_sequence unique (organization_id, sequence),
  constraint ck_audit_entries_hash check (length(hash) = 32)
)
    """,
    "create index ix_audit_entries_subject on audit_entries (organization_id, subject_id)",
    "create index ix_audit_entries_action on audit_entries (organization_id, action)",
    "alter table audit_entries enable row level security",
    "alter table audit_entries force row level security",
    "create policy tenant on audit_entries"
    " using (organization_id = app_org()) with check (organization_id = app_org())",
    "create policy sweep on audit_entries for select"
    " using (current_setting('app.sweep', true) = 'on')",
    """
create function refuse_change() returns trigger language plpgsql as
$$ begin raise exception 'the audit log is append-only'; end $$
    """,
    "create trigger append_only before update or delete on audit_entries"
    " for each statement execute function refuse_change()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: an audit log is not to be lost")
