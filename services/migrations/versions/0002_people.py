"""Invitations, and requests for a new password.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = (
    """
CREATE TABLE invitations (
  organization_id UUID NOT NULL,
  email TEXT NOT NULL,
  role VARCHAR(32) NOT NULL,
  invited_by UUID,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
  sends INTEGER NOT NULL,
  token_hash BYTEA,
  mail_due_at TIMESTAMP WITH TIME ZONE,
  mail_attempt INTEGER NOT NULL,
  accepted_at TIMESTAMP WITH TIME ZONE,
  revoked_at TIMESTAMP WITH TIME ZONE,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_invitations PRIMARY KEY (id),
  CONSTRAINT uq_invitations_token_hash UNIQUE (token_hash),
  CONSTRAINT fk_invitations_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT fk_invitations_invited_by_users FOREIGN KEY(invited_by) REFERENCES users (id) ON DELETE SET NULL,
  CONSTRAINT ck_invitations_role CHECK (role in ('admin', 'auditor', 'viewer'))
)
    """,
    """
CREATE UNIQUE INDEX uq_invitations_open ON invitations (organization_id, email) WHERE accepted_at is null and revoked_at is null
    """,
    """
CREATE INDEX ix_invitations_email ON invitations (email)
    """,
    """
CREATE INDEX ix_invitations_invited_by ON invitations (invited_by)
    """,
    """
CREATE INDEX ix_invitations_mail_due ON invitations (mail_due_at) WHERE mail_due_at is not null
    """,
    """
CREATE TABLE password_resets (
  email TEXT NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  token_hash BYTEA,
  mail_due_at TIMESTAMP WITH TIME ZONE,
  mail_attempt INTEGER NOT NULL,
  used_at TIMESTAMP WITH TIME ZONE,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_password_resets PRIMARY KEY (id),
  CONSTRAINT uq_password_resets_token_hash UNIQUE (token_hash)
)
    """,
    """
CREATE INDEX ix_password_resets_email ON password_resets (email)
    """,
    """
CREATE INDEX ix_password_resets_expires_at ON password_resets (expires_at)
    """,
    """
CREATE INDEX ix_password_resets_mail_due ON password_resets (mail_due_at) WHERE mail_due_at is not null
    """,
    # A member who leaves gives back what was assigned to them.
    """
CREATE INDEX ix_findings_assigned_to ON findings (organization_id, assigned_to) WHERE assigned_to is not null
    """,
)

# Whoever an invitation is meant for sees it, and whose it is, while acting in no organization.
INVITED = (
    "{row}.accepted_at is null and {row}.revoked_at is null"
    " and {row}.email = (select lower(u.email) from users u where u.id = app_user())"
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    op.execute("alter table invitations enable row level security")
    op.execute("alter table invitations force row level security")
    op.execute(
        "create policy tenant on invitations"
        " using (organization_id = app_org()) with check (organization_id = app_org())"
    )
    op.execute(
        "create policy sweep on invitations for select"
        " using (current_setting('app.sweep', true) = 'on')"
    )
    op.execute(
        "create policy invited on invitations for select"
        f" using ({INVITED.format(row='invitations')})"
    )
    op.execute(
        "create policy invited on organizations for select using (exists (select 1"
        " from invitations i where i.organization_id = organizations.id"
        f" and {INVITED.format(row='i')}))"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: who was invited is not to be lost")
