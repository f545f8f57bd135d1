"""Idempotency keys.

Revision ID: 0004
"""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = (
    """
CREATE TABLE idempotency_keys (
  organization_id UUID NOT NULL,
  user_id UUID NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_idempotency_keys PRIMARY KEY (organization_id, user_id, key),
  CONSTRAINT fk_idempotency_keys_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT fk_idempotency_keys_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
)
    """,
    "CREATE INDEX ix_idempotency_keys_age ON idempotency_keys (organization_id, created_at)",
    "CREATE INDEX ix_idempotency_keys_user_id ON idempotency_keys (user_id)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    op.execute("alter table idempotency_keys enable row level security")
    op.execute("alter table idempotency_keys force row level security")
    op.execute(
        "create policy tenant on idempotency_keys"
        " using (organization_id = app_org()) with check (organization_id = app_org())"
    )


def downgrade() -> None:
    op.execute("drop table idempotency_keys")
