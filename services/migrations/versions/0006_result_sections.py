"""What SSH, registration and found secrets say of a target.

Revision ID: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0005"

COLUMNS = ("ssh_info", "whois_info", "secrets_found")


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"alter table scan_results add column {column} jsonb")


def downgrade() -> None:
    for column in COLUMNS:
        op.execute(f"alter table scan_results drop column {column}")
