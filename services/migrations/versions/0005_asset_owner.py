"""Whom to ask about an asset, and findings sorted by severity.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE assets ADD COLUMN owner_email TEXT")
    op.execute("CREATE INDEX ix_findings_worst ON findings (organization_id, severity, id)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_findings_worst")
    op.execute("ALTER TABLE assets DROP COLUMN owner_email")
