"""Schedules, their assets and their runs.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = (
    """
CREATE TABLE schedules (
  organization_id UUID NOT NULL,
  created_by UUID,
  name TEXT NOT NULL,
  cron_expression TEXT NOT NULL,
  timezone TEXT NOT NULL,
  scan_type VARCHAR(32) NOT NULL,
  features JSONB,
  overlap VARCHAR(32) NOT NULL,
  grace_minutes INTEGER NOT NULL,
  is_active BOOLEAN NOT NULL,
  paused_reason VARCHAR(32),
  next_run_at TIMESTAMP WITH TIME ZONE,
  last_run_at TIMESTAMP WITH TIME ZONE,
  last_scan_id UUID,
  last_outcome VARCHAR(32),
  last_reason TEXT,
  last_manual_run_at TIMESTAMP WITH TIME ZONE,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_schedules PRIMARY KEY (id),
  CONSTRAINT uq_schedules_organization_id_id UNIQUE (organization_id, id),
  CONSTRAINT fk_schedules_organization_id_last_scan_id_scans FOREIGN KEY(organization_id, last_scan_id) REFERENCES scans (organization_id, id) ON DELETE SET NULL (last_scan_id),
  CONSTRAINT fk_schedules_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT fk_schedules_created_by_users FOREIGN KEY(created_by) REFERENCES users (id) ON DELETE SET NULL,
  CONSTRAINT ck_schedules_scan_type CHECK (scan_type in ('quick', 'full', 'custom')),
  CONSTRAINT ck_schedules_overlap CHECK (overlap in ('skip', 'queue', 'cancel_running')),
  CONSTRAINT ck_schedules_grace_minutes CHECK (grace_minutes between 5 and 1440),
  CONSTRAINT ck_schedules_paused_reason CHECK (paused_reason in ('no_asset_left', 'invalid')),
  CONSTRAINT ck_schedules_last_outcome CHECK (last_outcome in ('started', 'queued', 'skipped', 'missed', 'failed')),
  CONSTRAINT ck_schedules_next_run_at CHECK (is_active = (next_run_at is not null))
)
    """,
    "CREATE INDEX ix_schedules_created_by ON schedules (created_by)",
    "CREATE INDEX ix_schedules_due ON schedules (next_run_at) WHERE is_active",
    "CREATE INDEX ix_schedules_last_scan ON schedules (organization_id, last_scan_id)",
    """
CREATE TABLE schedule_assets (
  schedule_id UUID NOT NULL,
  asset_id UUID NOT NULL,
  organization_id UUID NOT NULL,
  position INTEGER NOT NULL,
  CONSTRAINT pk_schedule_assets PRIMARY KEY (schedule_id, asset_id),
  CONSTRAINT fk_schedule_assets_organization_id_schedule_id_schedules FOREIGN KEY(organization_id, schedule_id) REFERENCES schedules (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT fk_schedule_assets_organization_id_asset_id_assets FOREIGN KEY(organization_id, asset_id) REFERENCES assets (organization_id, id) ON DELETE CASCADE
)
    """,
    "CREATE INDEX ix_schedule_assets_asset ON schedule_assets (organization_id, asset_id)",
    """
CREATE TABLE schedule_runs (
  organization_id UUID NOT NULL,
  schedule_id UUID NOT NULL,
  slot_at TIMESTAMP WITH TIME ZONE NOT NULL,
  last_slot_at TIMESTAMP WITH TIME ZONE NOT NULL,
  outcome VARCHAR(32) NOT NULL,
  reason TEXT,
  scan_id UUID,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_schedule_runs PRIMARY KEY (id),
  CONSTRAINT uq_schedule_runs_schedule_id_slot_at UNIQUE (schedule_id, slot_at),
  CONSTRAINT fk_schedule_runs_organization_id_schedule_id_schedules FOREIGN KEY(organization_id, schedule_id) REFERENCES schedules (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT fk_schedule_runs_organization_id_scan_id_scans FOREIGN KEY(organization_id, scan_id) REFERENCES scans (organization_id, id) ON DELETE SET NULL (scan_id),
  CONSTRAINT ck_schedule_runs_outcome CHECK (outcome in ('started', 'queued', 'skipped', 'missed', 'failed')),
  CONSTRAINT ck_schedule_runs_last_slot_at CHECK (last_slot_at >= slot_at)
)
    """,
    "CREATE INDEX ix_schedule_runs_schedule ON schedule_runs (organization_id, schedule_id)",
    "CREATE INDEX ix_schedule_runs_scan ON schedule_runs (organization_id, scan_id)",
    "CREATE UNIQUE INDEX ix_schedule_runs_queued ON schedule_runs (schedule_id) WHERE outcome = 'queued'",
)
TENANT_TABLES = ("schedule_assets", "schedule_runs", "schedules")
# A worker's tick may read which of these are due, of any organization, and change none.
SWEPT_TABLES = ("schedule_runs", "schedules")

# Deleting an asset only marks it, so no foreign key can take it out of its schedules; this does,
# whoever marks it. It locks the schedules first: of two people who delete the last two assets of
# a schedule at once, the second sees what the first has done.
LOSE_ASSET = (
    """
create function schedules_lose_asset() returns trigger language plpgsql as $body$
begin
  perform 1 from schedules
    where organization_id = new.organization_id
      and id in (select schedule_id from schedule_assets
                  where organization_id = new.organization_id and asset_id = new.id)
    order by id for update;
  with lost as (
    delete from schedule_assets
     where organization_id = new.organization_id and asset_id = new.id
    returning schedule_id)
  update schedules
     set is_active = false, next_run_at = null, paused_reason = 'no_asset_left', updated_at = now()
   where organization_id = new.organization_id and is_active
     and id in (select schedule_id from lost)
     and not exists (select 1 from schedule_assets other
                      where other.schedule_id = schedules.id and other.asset_id <> new.id);
  return null;
end
$body$
    """,
    """
create trigger schedules_lose_asset after update of deleted_at on assets for each row
  when (old.deleted_at is null and new.deleted_at is not null)
  execute function schedules_lose_asset()
    """,
)


def upgrade() -> None:
    for statement in (*TABLES, *LOSE_ASSET):
        op.execute(statement)
    for table in TENANT_TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(
            f"create policy tenant on {table}"
            " using (organization_id = app_org()) with check (organization_id = app_org())"
        )
    for table in SWEPT_TABLES:
        op.execute(
            f"create policy sweep on {table} for select"
            " using (current_setting('app.sweep', true) = 'on')"
        )


def downgrade() -> None:
    op.execute("drop trigger schedules_lose_asset on assets")
    op.execute("drop function schedules_lose_asset()")
    for table in ("schedule_runs", "schedule_assets", "schedules"):
        op.execute(f"drop table {table}")
