"""API keys.

Revision ID: 0013
"""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    """
create table api_keys (
  organization_id uuid not null,
  created_by uuid not null,
  name text not null,
  prefix text not null,
  key_hash bytea not null,
  scopes text[] not null,
  expires_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  id uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint pk_api_keys primary key (id),
  constraint uq_api_keys_key_hash unique (key_hash),
  constraint fk_api_keys_organization_id_organizations foreign key (organization_id) references organizations (id) on delete cascade,
  constraint fk_api_keys_created_by_users foreign key (created_by) references users (id) on delete cascade
)
    """,
    "create index ix_api_keys_organization_id on api_keys (organization_id, created_by)",
    "create index ix_api_keys_created_by on api_keys (created_by)",
    "alter table api_keys enable row level security",
    "alter table api_keys force row level security",
    "create policy tenant on api_keys"
    " using (organization_id = app_org()) with check (organization_id = app_org())",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table api_keys")
