"""The life of findings: clocks, acceptance, review, comments, history; and their maintained counts.

Revision ID: 0011
"""

from alembic import op

revision = "0011"
down_revision = "0010"

FINDINGS = (
    """
alter table findings
  add column opened_at timestamptz,
  add column resolution varchar(32),
  add column is_due_fixed boolean not null default false,
  add column accepted_by uuid,
  add column acceptance_notice integer,
  add column needs_review boolean not null default false,
  add column is_retired boolean not null default false,
  add constraint ck_findings_resolution
    check (resolution in ('fixed_verified', 'asset_removed', 'manual')),
  add constraint fk_findings_accepted_by_users
    foreign key (accepted_by) references users (id) on delete set null
    """,
    # The owner sees no rows under forced row security, unless it may pass it: so for a moment off.
    "alter table findings no force row level security",
    "alter table assets no force row level security",
    """
update findings
   set opened_at = first_seen_at,
       resolution = case when status <> 'resolved' then null
                         when resolution_note in ('fixed_verified', 'asset_removed')
                         then resolution_note else 'manual' end,
       is_due_fixed = due_at is not null,
       is_retired = exists (select 1 from assets where assets.id = findings.asset_id
                               and assets.deleted_at is not null)
    """,
    "alter table assets force row level security",
    "alter table findings force row level security",
    "alter table findings alter column opened_at set not null",
    """
create index ix_findings_accepted_until on findings (accepted_until)
 where status = 'accepted_risk'
    """,
    """
create index ix_findings_due on findings (organization_id, due_at)
 where status in ('open', 'acknowledged', 'in_progress') and not is_retired
    """,
    "create index ix_findings_accepted_by on findings (accepted_by) where accepted_by is not null",
    """
create policy sweep on findings for select using (current_setting('app.sweep', true) = 'on')
    """,
)
HISTORY = (
    """
alter table finding_events
  drop constraint ck_finding_events_from_status,
  drop constraint ck_finding_events_to_status
    """,
    "alter table finding_events rename column from_status to before",
    "alter table finding_events rename column to_status to after",
    """
alter table finding_events
  alter column before type text,
  alter column after type text,
  alter column after drop not null,
  add column kind varchar(32) not null default 'status',
  add constraint ck_finding_events_kind check (kind in ('first_seen', 'status', 'severity',
    'assignee', 'due', 'note', 'acceptance', 'review', 'notice'))
    """,
    "alter table finding_events alter column kind drop default",
    """
CREATE TABLE finding_comments (
  organization_id UUID NOT NULL,
  finding_id UUID NOT NULL,
  author_id UUID,
  text TEXT NOT NULL,
  id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_finding_comments PRIMARY KEY (id),
  CONSTRAINT fk_finding_comments_organization_id_finding_id_findings FOREIGN KEY(organization_id, finding_id) REFERENCES findings (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT fk_finding_comments_author_id_users FOREIGN KEY(author_id) REFERENCES users (id) ON DELETE SET NULL
)
    """,
    """
CREATE INDEX ix_finding_comments_finding ON finding_comments (organization_id, finding_id, id)
    """,
    "CREATE INDEX ix_finding_comments_author_id ON finding_comments (author_id)",
)

# Deltas, appended by the statement that changes findings and folded later: writers never wait for
# each other, as they would for a row of totals. One row tells what a day changed for one key.
COUNTS = (
    """
CREATE TABLE finding_counts (
  id BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
  organization_id UUID NOT NULL,
  day DATE NOT NULL,
  check_id TEXT NOT NULL,
  severity SMALLINT NOT NULL,
  status VARCHAR(32) NOT NULL,
  change BIGINT NOT NULL,
  appeared BIGINT NOT NULL,
  fixed BIGINT NOT NULL,
  fixed_late BIGINT NOT NULL,
  fix_seconds BIGINT NOT NULL,
  is_folded BOOLEAN NOT NULL,
  CONSTRAINT pk_finding_counts PRIMARY KEY (id),
  CONSTRAINT fk_finding_counts_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT ck_finding_counts_status CHECK (status in ('open', 'acknowledged', 'in_progress', 'resolved', 'accepted_risk', 'false_positive'))
)
    """,
    "CREATE INDEX ix_finding_counts_day ON finding_counts (organization_id, day)",
    """
CREATE INDEX ix_finding_counts_unfolded ON finding_counts (organization_id) WHERE not is_folded
    """,
    """
CREATE TABLE asset_finding_counts (
  id BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
  organization_id UUID NOT NULL,
  day DATE NOT NULL,
  asset_id UUID NOT NULL,
  severity SMALLINT NOT NULL,
  status VARCHAR(32) NOT NULL,
  change BIGINT NOT NULL,
  appeared BIGINT NOT NULL,
  fixed BIGINT NOT NULL,
  fixed_late BIGINT NOT NULL,
  fix_seconds BIGINT NOT NULL,
  is_folded BOOLEAN NOT NULL,
  CONSTRAINT pk_asset_finding_counts PRIMARY KEY (id),
  CONSTRAINT fk_asset_finding_counts_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT ck_asset_finding_counts_status CHECK (status in ('open', 'acknowledged', 'in_progress', 'resolved', 'accepted_risk', 'false_positive'))
)
    """,
    """
CREATE INDEX ix_asset_finding_counts_day ON asset_finding_counts (organization_id, asset_id, day)
    """,
    """
CREATE INDEX ix_asset_finding_counts_unfolded ON asset_finding_counts (organization_id)
 WHERE not is_folded
    """,
)
TENANT_TABLES = ("finding_comments", "finding_counts", "asset_finding_counts")

# An organization that is being deleted takes its counts along: nothing is noted any more.
_NOTE = """
create function note_{event}_findings() returns trigger language plpgsql as $$
begin
  with steps as (
    select n.organization_id, n.check_id, n.asset_id, n.severity, n.status, 1 as change,
           (n.status in ('open', 'acknowledged', 'in_progress')
             and (o.id is null or o.is_retired or o.status = 'resolved'))::int as appeared,
           is_fixed.yes::int as fixed,
           (is_fixed.yes and n.due_at < n.resolved_at)::int as fixed_late,
           case when is_fixed.yes
                then greatest(0, extract(epoch from n.resolved_at - n.opened_at)) else 0
            end::bigint as fix_seconds
      from ({after}) n left join ({before}) o on o.id = n.id
     cross join lateral (select n.status = 'resolved' and o.status <> 'resolved'
                            and n.resolution <> 'asset_removed' as yes) is_fixed
     where not n.is_retired
    union all
    select organization_id, check_id, asset_id, severity, status, -1, 0, 0, 0, 0
      from ({before}) o
     where not is_retired
       and exists (select 1 from organizations where id = o.organization_id)
  ), by_check as (
    insert into finding_counts (organization_id, day, check_id, severity, status, change,
                                appeared, fixed, fixed_late, fix_seconds, is_folded)
    select organization_id, (now() at time zone 'UTC')::date, check_id, severity, status,
           sum(change), sum(appeared), coalesce(sum(fixed), 0), coalesce(sum(fixed_late), 0),
           sum(fix_seconds), false
      from steps
     group by organization_id, check_id, severity, status
    having sum(change) <> 0 or sum(appeared) <> 0 or sum(fixed) <> 0
  )
  insert into asset_finding_counts (organization_id, day, asset_id, severity, status, change,
                                    appeared, fixed, fixed_late, fix_seconds, is_folded)
  select organization_id, (now() at time zone 'UTC')::date, asset_id, severity, status,
         sum(change), sum(appeared), coalesce(sum(fixed), 0), coalesce(sum(fixed_late), 0),
         sum(fix_seconds), false
    from steps
   where asset_id is not null
   group by organization_id, asset_id, severity, status
  having sum(change) <> 0 or sum(appeared) <> 0 or sum(fixed) <> 0;
  return null;
end $$
"""
_NONE = "select * from {} where false"
_EVENTS = (
    ("inserted", "insert", "new table as after_rows", "select * from after_rows", "after_rows"),
    ("deleted", "delete", "old table as before_rows", "before_rows", "select * from before_rows"),
    (
        "updated",
        "update",
        "old table as before_rows new table as after_rows",
        "select * from after_rows",
        "select * from before_rows",
    ),
)


def upgrade() -> None:
    for statement in (*FINDINGS, *HISTORY, *COUNTS):
        op.execute(statement)
    for table in TENANT_TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(
            f"create policy tenant on {table}"
            " using (organization_id = app_org()) with check (organization_id = app_org())"
        )
    for table in ("finding_counts", "asset_finding_counts"):
        op.execute(
            f"create policy sweep on {table} for select"
            " using (current_setting('app.sweep', true) = 'on')"
        )
    for name, event, tables, after, before in _EVENTS:
        body = _NOTE.format(
            event=name,
            after=after if after.startswith("select") else _NONE.format(after),
            before=before if before.startswith("select") else _NONE.format(before),
        )
        op.execute(body)
        op.execute(
            f"create trigger note_{name} after {event} on findings referencing {tables}"
            f" for each statement execute function note_{name}_findings()"
        )
    _count_what_is_there()


def _count_what_is_there() -> None:
    """What was found before this revision stands as one change of today."""
    tables = {"finding_counts": "check_id", "asset_finding_counts": "asset_id"}
    op.execute("alter table findings no force row level security")
    for table, key in tables.items():
        op.execute(f"alter table {table} no force row level security")
        op.execute(
            f"insert into {table} (organization_id, day, {key}, severity, status, change,"
            " appeared, fixed, fixed_late, fix_seconds, is_folded)"
            f" select organization_id, (now() at time zone 'UTC')::date, {key}, severity, status,"
            " count(*), 0, 0, 0, 0, true from findings"
            f" where not is_retired and {key} is not null"
            f" group by organization_id, {key}, severity, status"
        )
        op.execute(f"alter table {table} force row level security")
    op.execute("alter table findings force row level security")


def downgrade() -> None:
    for name, *_ in _EVENTS:
        op.execute(f"drop trigger note_{name} on findings")
        op.execute(f"drop function note_{name}_findings()")
    for table in TENANT_TABLES:
        op.execute(f"drop table {table}")
    op.execute("delete from finding_events where kind <> 'status'")
    op.execute("alter table finding_events rename column before to from_status")
    op.execute("alter table finding_events rename column after to to_status")
    op.execute("alter table finding_events drop column kind, alter column to_status set not null")
    op.execute("drop policy sweep on findings")
    for index in ("accepted_until", "due", "accepted_by"):
        op.execute(f"drop index ix_findings_{index}")
    op.execute(
        "alter table findings drop column opened_at, drop column resolution,"
        " drop column is_due_fixed, drop column accepted_by, drop column acceptance_notice,"
        " drop column needs_review, drop column is_retired"
    )
