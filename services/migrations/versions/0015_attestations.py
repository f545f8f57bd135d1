"""Attestations of letters and points, and scans by the time they ended.

Revision ID: 0015
"""

from alembic import op

revision = "0015"
down_revision = "0014"

STATEMENTS = (
    """
CREATE TABLE attestations (
  organization_id UUID NOT NULL,
  subject TEXT NOT NULL,
  statement TEXT NOT NULL,
  evidence_url TEXT,
  valid_until TIMESTAMP WITH TIME ZONE,
  attested_by UUID,
  withdrawn_at TIMESTAMP WITH TIME ZONE,
  withdrawn_by UUID,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_attestations PRIMARY KEY (id),
  CONSTRAINT fk_attestations_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT fk_attestations_attested_by_users FOREIGN KEY(attested_by) REFERENCES users (id) ON DELETE SET NULL,
  CONSTRAINT fk_attestations_withdrawn_by_users FOREIGN KEY(withdrawn_by) REFERENCES users (id) ON DELETE SET NULL
)
    """,
    """
CREATE INDEX ix_attestations_subject ON attestations (organization_id, subject, id)
 WHERE withdrawn_at is null
    """,
    "CREATE INDEX ix_attestations_attested_by ON attestations (attested_by)",
    "CREATE INDEX ix_attestations_withdrawn_by ON attestations (withdrawn_by)",
    "alter table attestations enable row level security",
    "alter table attestations force row level security",
    """
create policy tenant on attestations
 using (organization_id = app_org()) with check (organization_id = app_org())
    """,
    "create index ix_scans_completed on scans (organization_id, completed_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop index ix_scans_completed")
    op.execute("drop table attestations")
