"""The first tables, the functions row security reads, and its policies.

Revision ID: 0001
"""

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    """
CREATE TABLE organizations (
  name TEXT NOT NULL,
  slug TEXT NOT NULL,
  plan TEXT NOT NULL,
  settings JSONB NOT NULL,
  max_scans_per_month INTEGER NOT NULL,
  is_active BOOLEAN NOT NULL,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_organizations PRIMARY KEY (id),
  CONSTRAINT uq_organizations_slug UNIQUE (slug)
)
    """,
    """
CREATE TABLE users (
  email TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  full_name TEXT NOT NULL,
  locale TEXT NOT NULL,
  timezone TEXT NOT NULL,
  avatar_url TEXT,
  email_verified BOOLEAN NOT NULL,
  is_active BOOLEAN NOT NULL,
  last_organization_id UUID,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_users PRIMARY KEY (id)
)
    """,
    """
CREATE UNIQUE INDEX uq_users_email ON users (lower(email))
    """,
    """
CREATE TABLE assets (
  organization_id UUID NOT NULL,
  name TEXT NOT NULL,
  target_type VARCHAR(32) NOT NULL,
  target_value TEXT NOT NULL,
  pinned_ip TEXT,
  tags TEXT[] NOT NULL,
  criticality VARCHAR(32) NOT NULL,
  description TEXT,
  is_active BOOLEAN NOT NULL,
  last_scanned_at TIMESTAMP WITH TIME ZONE,
  deleted_at TIMESTAMP WITH TIME ZONE,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_assets PRIMARY KEY (id),
  CONSTRAINT uq_assets_organization_id_id UNIQUE (organization_id, id),
  CONSTRAINT fk_assets_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT ck_assets_target_type CHECK (target_type in ('domain', 'ip', 'cidr')),
  CONSTRAINT ck_assets_criticality CHECK (criticality in ('low', 'normal', 'high', 'critical'))
)
    """,
    """
CREATE UNIQUE INDEX uq_assets_target ON assets (organization_id, target_type, target_value) WHERE deleted_at is null
    """,
    """
CREATE TABLE memberships (
  organization_id UUID NOT NULL,
  user_id UUID NOT NULL,
  role VARCHAR(32) NOT NULL,
  accepted_at TIMESTAMP WITH TIME ZONE,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_memberships PRIMARY KEY (id),
  CONSTRAINT uq_memberships_organization_id_user_id UNIQUE (organization_id, user_id),
  CONSTRAINT fk_memberships_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id),
  CONSTRAINT fk_memberships_user_id_users FOREIGN KEY(user_id) REFERENCES users (id),
  CONSTRAINT ck_memberships_role CHECK (role in ('admin', 'auditor', 'viewer'))
)
    """,
    """
CREATE INDEX ix_memberships_user_id ON memberships (user_id)
    """,
    """
CREATE TABLE refresh_tokens (
  token_hash BYTEA NOT NULL,
  family_id UUID NOT NULL,
  user_id UUID NOT NULL,
  active_organization_id UUID,
  issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  family_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  used_at TIMESTAMP WITH TIME ZONE,
  revoked_at TIMESTAMP WITH TIME ZONE,
  successor BYTEA,
  CONSTRAINT pk_refresh_tokens PRIMARY KEY (token_hash),
  CONSTRAINT fk_refresh_tokens_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
)
    """,
    """
CREATE INDEX ix_refresh_tokens_family_id ON refresh_tokens (family_id)
    """,
    """
CREATE INDEX ix_refresh_tokens_user_id ON refresh_tokens (user_id)
    """,
    """
CREATE TABLE scans (
  organization_id UUID NOT NULL,
  created_by UUID,
  name TEXT NOT NULL,
  scan_type VARCHAR(32) NOT NULL,
  config_snapshot JSONB NOT NULL,
  deadline_at TIMESTAMP WITH TIME ZONE NOT NULL,
  status VARCHAR(32) NOT NULL,
  schedule_id UUID,
  task_id TEXT,
  attempt INTEGER NOT NULL,
  targets_total INTEGER NOT NULL,
  targets_done INTEGER NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE,
  completed_at TIMESTAMP WITH TIME ZONE,
  total_score INTEGER,
  score_exact DOUBLE PRECISION,
  score_lower INTEGER,
  grade TEXT,
  scoring_version TEXT,
  catalog_version TEXT,
  hosts_scanned INTEGER NOT NULL,
  hosts_alive INTEGER NOT NULL,
  findings_critical INTEGER NOT NULL,
  findings_high INTEGER NOT NULL,
  findings_medium INTEGER NOT NULL,
  findings_low INTEGER NOT NULL,
  findings_info INTEGER NOT NULL,
  partial BOOLEAN NOT NULL,
  compliance_matrix JSONB,
  assessment JSONB,
  executive_summary TEXT,
  error_message TEXT,
  error_code TEXT,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_scans PRIMARY KEY (id),
  CONSTRAINT uq_scans_organization_id_id UNIQUE (organization_id, id),
  CONSTRAINT fk_scans_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT fk_scans_created_by_users FOREIGN KEY(created_by) REFERENCES users (id) ON DELETE SET NULL,
  CONSTRAINT ck_scans_scan_type CHECK (scan_type in ('quick', 'full', 'custom')),
  CONSTRAINT ck_scans_status CHECK (status in ('pending', 'running', 'completed', 'failed', 'cancelled'))
)
    """,
    """
CREATE INDEX ix_scans_active ON scans (status, updated_at) WHERE status in ('pending', 'running')
    """,
    """
CREATE INDEX ix_scans_created_by ON scans (created_by)
    """,
    """
CREATE TABLE findings (
  organization_id UUID NOT NULL,
  fingerprint BYTEA NOT NULL,
  check_id TEXT NOT NULL,
  category TEXT NOT NULL,
  asset_id UUID,
  host TEXT NOT NULL,
  port INTEGER,
  protocol TEXT NOT NULL,
  discriminator TEXT NOT NULL,
  severity SMALLINT NOT NULL,
  status VARCHAR(32) NOT NULL,
  message TEXT NOT NULL,
  evidence JSONB NOT NULL,
  first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  last_scan_id UUID,
  assigned_to UUID,
  resolved_at TIMESTAMP WITH TIME ZONE,
  resolution_note TEXT,
  due_at TIMESTAMP WITH TIME ZONE,
  accepted_until TIMESTAMP WITH TIME ZONE,
  occurrences INTEGER NOT NULL,
  reopened_count INTEGER NOT NULL,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_findings PRIMARY KEY (id),
  CONSTRAINT uq_findings_organization_id_id UNIQUE (organization_id, id),
  CONSTRAINT ck_findings_severity CHECK (severity between 0 and 4),
  CONSTRAINT ck_findings_fingerprint CHECK (length(fingerprint) = 32),
  CONSTRAINT fk_findings_organization_id_asset_id_assets FOREIGN KEY(organization_id, asset_id) REFERENCES assets (organization_id, id),
  CONSTRAINT fk_findings_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT ck_findings_status CHECK (status in ('open', 'acknowledged', 'in_progress', 'resolved', 'accepted_risk', 'false_positive'))
)
 WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.02)
    """,
    """
CREATE INDEX ix_findings_asset ON findings (organization_id, asset_id)
    """,
    """
CREATE INDEX ix_findings_endpoint ON findings (organization_id, host, port, protocol)
    """,
    """
CREATE INDEX ix_findings_last_scan ON findings (organization_id, last_scan_id)
    """,
    """
CREATE INDEX ix_findings_totals ON findings (organization_id, severity, status, category)
    """,
    """
CREATE UNIQUE INDEX uq_findings_fingerprint ON findings (organization_id, fingerprint)
    """,
    """
CREATE TABLE reports (
  organization_id UUID NOT NULL,
  scan_id UUID NOT NULL,
  created_by UUID,
  format VARCHAR(32) NOT NULL,
  status VARCHAR(32) NOT NULL,
  attempt INTEGER NOT NULL,
  lease_until TIMESTAMP WITH TIME ZONE,
  filename TEXT,
  content_type TEXT,
  size INTEGER,
  sha256 TEXT,
  expires_at TIMESTAMP WITH TIME ZONE,
  error TEXT,
  error_code TEXT,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_reports PRIMARY KEY (id),
  CONSTRAINT uq_reports_organization_id_id UNIQUE (organization_id, id),
  CONSTRAINT fk_reports_organization_id_scan_id_scans FOREIGN KEY(organization_id, scan_id) REFERENCES scans (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT ck_reports_format CHECK (format in ('pdf', 'json', 'csv', 'html')),
  CONSTRAINT ck_reports_status CHECK (status in ('pending', 'started', 'success', 'failure', 'expired'))
)
    """,
    """
CREATE INDEX ix_reports_active ON reports (lease_until) WHERE status in ('pending', 'started')
    """,
    """
CREATE INDEX ix_reports_scan ON reports (organization_id, scan_id)
    """,
    """
CREATE TABLE scan_batches (
  organization_id UUID NOT NULL,
  scan_id UUID NOT NULL,
  number INTEGER NOT NULL,
  status VARCHAR(32) NOT NULL,
  attempt INTEGER NOT NULL,
  lease_owner TEXT,
  lease_until TIMESTAMP WITH TIME ZONE,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_scan_batches PRIMARY KEY (id),
  CONSTRAINT uq_scan_batches_organization_id_id UNIQUE (organization_id, id),
  CONSTRAINT uq_scan_batches_scan_id_number UNIQUE (scan_id, number),
  CONSTRAINT fk_scan_batches_organization_id_scan_id_scans FOREIGN KEY(organization_id, scan_id) REFERENCES scans (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT ck_scan_batches_status CHECK (status in ('pending', 'running', 'done'))
)
    """,
    """
CREATE INDEX ix_scan_batches_due ON scan_batches (lease_until) WHERE status in ('pending', 'running')
    """,
    """
CREATE TABLE scan_results (
  organization_id UUID NOT NULL,
  scan_id UUID NOT NULL,
  target TEXT NOT NULL,
  ip TEXT,
  status VARCHAR(32) NOT NULL,
  reason TEXT NOT NULL,
  is_alive BOOLEAN NOT NULL,
  open_ports INTEGER[],
  services JSONB,
  http_info JSONB,
  tls_info JSONB,
  dns_info JSONB,
  mail_info JSONB,
  checks JSONB NOT NULL,
  errors TEXT[] NOT NULL,
  duration_ms INTEGER NOT NULL,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_scan_results PRIMARY KEY (id),
  CONSTRAINT uq_scan_results_organization_id_id UNIQUE (organization_id, id),
  CONSTRAINT uq_scan_results_scan_id_target UNIQUE (scan_id, target),
  CONSTRAINT fk_scan_results_organization_id_scan_id_scans FOREIGN KEY(organization_id, scan_id) REFERENCES scans (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT ck_scan_results_status CHECK (status in ('evaluated', 'partially_evaluated', 'unreachable', 'unresolved', 'blocked', 'skipped'))
)
    """,
    """
CREATE TABLE finding_events (
  organization_id UUID NOT NULL,
  finding_id UUID NOT NULL,
  actor_id UUID,
  from_status VARCHAR(32),
  to_status VARCHAR(32) NOT NULL,
  note TEXT,
  scan_id UUID,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_finding_events PRIMARY KEY (id),
  CONSTRAINT fk_finding_events_organization_id_finding_id_findings FOREIGN KEY(organization_id, finding_id) REFERENCES findings (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT ck_finding_events_from_status CHECK (from_status in ('open', 'acknowledged', 'in_progress', 'resolved', 'accepted_risk', 'false_positive')),
  CONSTRAINT ck_finding_events_to_status CHECK (to_status in ('open', 'acknowledged', 'in_progress', 'resolved', 'accepted_risk', 'false_positive'))
)
    """,
    """
CREATE INDEX ix_finding_events_finding ON finding_events (organization_id, finding_id)
    """,
    """
CREATE TABLE observations (
  organization_id UUID NOT NULL,
  scan_id UUID NOT NULL,
  finding_id UUID NOT NULL,
  scan_result_id UUID,
  severity SMALLINT NOT NULL,
  message TEXT NOT NULL,
  evidence JSONB NOT NULL,
  seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_observations PRIMARY KEY (scan_id, finding_id),
  CONSTRAINT fk_observations_organization_id_scan_id_scans FOREIGN KEY(organization_id, scan_id) REFERENCES scans (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT fk_observations_organization_id_finding_id_findings FOREIGN KEY(organization_id, finding_id) REFERENCES findings (organization_id, id) ON DELETE CASCADE
)
    """,
    """
CREATE INDEX ix_observations_finding ON observations (organization_id, finding_id)
    """,
    """
CREATE INDEX ix_observations_rank ON observations (scan_id, severity, finding_id)
    """,
    """
CREATE TABLE report_files (
  report_id UUID NOT NULL,
  organization_id UUID NOT NULL,
  content BYTEA NOT NULL,
  CONSTRAINT pk_report_files PRIMARY KEY (report_id),
  CONSTRAINT fk_report_files_organization_id_report_id_reports FOREIGN KEY(organization_id, report_id) REFERENCES reports (organization_id, id) ON DELETE CASCADE
)
    """,
    """
CREATE TABLE scan_targets (
  organization_id UUID NOT NULL,
  scan_id UUID NOT NULL,
  batch_id UUID NOT NULL,
  asset_id UUID,
  target_type VARCHAR(32) NOT NULL,
  target_value TEXT NOT NULL,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_scan_targets PRIMARY KEY (id),
  CONSTRAINT uq_scan_targets_scan_id_target_value UNIQUE (scan_id, target_value),
  CONSTRAINT fk_scan_targets_organization_id_scan_id_scans FOREIGN KEY(organization_id, scan_id) REFERENCES scans (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT fk_scan_targets_organization_id_batch_id_scan_batches FOREIGN KEY(organization_id, batch_id) REFERENCES scan_batches (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT fk_scan_targets_organization_id_asset_id_assets FOREIGN KEY(organization_id, asset_id) REFERENCES assets (organization_id, id),
  CONSTRAINT ck_scan_targets_target_type CHECK (target_type in ('domain', 'ip', 'cidr'))
)
    """,
    """
CREATE INDEX ix_scan_targets_asset ON scan_targets (organization_id, asset_id)
    """,
    """
CREATE INDEX ix_scan_targets_batch ON scan_targets (organization_id, batch_id)
    """,
)

# STABLE one-line SQL functions are inlined: the planner sees the bare setting and uses indexes.
FUNCTIONS = (
    """
create function app_org() returns uuid language sql stable parallel safe
return nullif(current_setting('app.org_id', true), '')::uuid
    """,
    """
create function app_user() returns uuid language sql stable parallel safe
return nullif(current_setting('app.user_id', true), '')::uuid
    """,
)

TENANT_TABLES = (
    "assets",
    "finding_events",
    "findings",
    "memberships",
    "observations",
    "report_files",
    "reports",
    "scan_batches",
    "scan_results",
    "scan_targets",
    "scans",
)
# A worker's sweep may read which of these are due, of any organization, and change none.
SWEPT_TABLES = ("reports", "scan_batches", "scans")


def upgrade() -> None:
    for statement in (*FUNCTIONS, *TABLES):
        op.execute(statement)
    for table in (*TENANT_TABLES, "organizations"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
    for table in TENANT_TABLES:
        op.execute(
            f"create policy tenant on {table}"
            " using (organization_id = app_org()) with check (organization_id = app_org())"
        )
    for table in SWEPT_TABLES:
        op.execute(
            f"create policy sweep on {table} for select"
            " using (current_setting('app.sweep', true) = 'on')"
        )
    op.execute("create policy own on memberships for select using (user_id = app_user())")
    op.execute(
        "create policy tenant on organizations using (id = app_org()) with check (id = app_org())"
    )
    op.execute(
        "create policy member on organizations for select using (exists (select 1"
        " from memberships m where m.organization_id = organizations.id"
        " and m.user_id = app_user()))"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: the first revision has nothing below it")
