"""Reports: what was asked for, how far it is, and files in parts.

Revision ID: 0010
"""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    "alter table reports drop constraint ck_reports_format",
    "alter table reports add constraint ck_reports_format check (format in"
    " ('pdf', 'json', 'csv', 'html', 'markdown', 'sarif', 'junit', 'oscal'))",
    "alter table reports add column options jsonb not null default '{}'",
    "alter table reports alter column options drop default",
    "alter table reports add column progress integer not null default 0",
    "update reports set progress = 100 where status in ('success', 'failure', 'expired')",
    "alter table reports alter column progress drop default",
    "create index ix_reports_sha256 on reports (organization_id, sha256) where sha256 is not null",
    # Parts, so that neither a worker nor a gateway ever holds a whole file.
    "alter table report_files add column number integer not null default 0",
    "alter table report_files alter column number drop default",
    "alter table report_files drop constraint pk_report_files",
    "alter table report_files add constraint pk_report_files primary key (report_id, number)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("delete from report_files where number > 0")
    op.execute("alter table report_files drop constraint pk_report_files")
    op.execute("alter table report_files drop column number")
    op.execute("alter table report_files add constraint pk_report_files primary key (report_id)")
    op.execute("drop index ix_reports_sha256")
    op.execute("alter table reports drop column progress")
    op.execute("alter table reports drop column options")
    op.execute("delete from reports where format in ('markdown', 'sarif', 'junit', 'oscal')")
    op.execute("alter table reports drop constraint ck_reports_format")
    op.execute(
        "alter table reports add constraint ck_reports_format check (format in"
        " ('pdf', 'json', 'csv', 'html'))"
    )
