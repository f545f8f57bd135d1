"""A person may read in all of their organizations at once.

Revision ID: 0014

A transaction that sets ``app.across`` sees, for reading alone, the rows of every organization its
user belongs to: the membership is looked up here, and no list of the application is believed.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

TABLES = ("assets", "findings", "observations", "scan_results", "scans")

VISITED = """
create function app_visited() returns uuid[] language sql stable
return case when current_setting('app.across', true) = 'on' then
  array(select organization_id from memberships
         where user_id = app_user() and accepted_at is not null) end
"""


def upgrade() -> None:
    op.execute(VISITED)
    for table in TABLES:
        # In a subselect both are asked once a statement: beside another policy they would be once
        # a row.
        op.execute(f"alter policy tenant on {table} using (organization_id = (select app_org()))")
        op.execute(
            f"create policy visitor on {table} for select"
            " using (organization_id = any ((select app_visited())::uuid[]))"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop policy visitor on {table}")
        op.execute(f"alter policy tenant on {table} using (organization_id = app_org())")
    op.execute("drop function app_visited()")
