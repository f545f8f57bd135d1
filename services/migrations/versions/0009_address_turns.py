"""An address is probed by one scan at a time.

Revision ID: 0009
"""

from alembic import op

revision = "0009"
down_revision = "0008"

TABLE = """
CREATE TABLE address_turns (
  scan_target_id UUID NOT NULL,
  address TEXT NOT NULL,
  organization_id UUID NOT NULL,
  batch_id UUID NOT NULL,
  attempt INTEGER NOT NULL,
  CONSTRAINT pk_address_turns PRIMARY KEY (scan_target_id, address),
  CONSTRAINT fk_address_turns_organization_id_batch_id_scan_batches FOREIGN KEY(organization_id, batch_id) REFERENCES scan_batches (organization_id, id) ON DELETE CASCADE
)
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("create index ix_address_turns_address on address_turns (address)")
    op.execute("create index ix_address_turns_batch on address_turns (organization_id, batch_id)")
    op.execute("alter table address_turns enable row level security")
    op.execute("alter table address_turns force row level security")
    op.execute(
        "create policy tenant on address_turns"
        " using (organization_id = app_org()) with check (organization_id = app_org())"
    )
    # Whether anybody is at an address is a question across organizations.
    op.execute(
        "create policy sweep on address_turns for select"
        " using (current_setting('app.sweep', true) = 'on')"
    )
    op.execute("alter table scans drop constraint ck_scans_waits_for")
    op.execute(
        "alter table scans add constraint ck_scans_waits_for"
        " check (waits_for in ('running_scans', 'address'))"
    )


def downgrade() -> None:
    op.execute("drop table address_turns")
    op.execute("update scans set waits_for = null where waits_for = 'address'")
    op.execute("alter table scans drop constraint ck_scans_waits_for")
    op.execute(
        "alter table scans add constraint ck_scans_waits_for check (waits_for in ('running_scans'))"
    )
