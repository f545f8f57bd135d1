"""Scans wait for their turn: in their organization by a quota, and between organizations.

Revision ID: 0008
"""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("alter table scans add column is_scheduled boolean not null default false")
    op.execute("alter table scans alter column is_scheduled drop default")
    op.execute(
        "alter table scans add column waits_for varchar(32)"
        " constraint ck_scans_waits_for check (waits_for in ('running_scans'))"
    )
    op.execute("alter table scans add column served_at timestamptz")
    op.execute(
        "create index ix_scans_waiting on scans (organization_id, id)"
        " where status in ('pending', 'running')"
    )
    op.execute("alter table scan_batches add column lost_workers integer not null default 0")
    op.execute("alter table scan_batches alter column lost_workers drop default")
    op.execute(
        "create index ix_scan_batches_open on scan_batches (scan_id, number)"
        " where status in ('pending', 'running')"
    )
    op.execute(
        "create index ix_scan_batches_running on scan_batches (scan_id) where status = 'running'"
    )


def downgrade() -> None:
    op.execute("drop index ix_scan_batches_open")
    op.execute("drop index ix_scan_batches_running")
    op.execute("alter table scan_batches drop column lost_workers")
    op.execute("drop index ix_scans_waiting")
    for column in ("served_at", "waits_for", "is_scheduled"):
        op.execute(f"alter table scans drop column {column}")
