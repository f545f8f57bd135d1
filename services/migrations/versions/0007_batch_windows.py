"""When a batch was queued: a scan keeps only a few of its batches in the queue.

Revision ID: 0007
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("alter table scan_batches add column queued_at timestamptz")
    op.execute("update scan_batches set queued_at = created_at")
    op.execute(
        "create index ix_scan_batches_waiting on scan_batches (scan_id, number)"
        " where status = 'pending' and queued_at is null"
    )


def downgrade() -> None:
    op.execute("alter table scan_batches drop column queued_at")
