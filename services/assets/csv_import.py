"""Assets from a CSV file: one transaction, a constant number of statements, no look-up of names.

The database decides which targets are free, so that the outcome does not depend on what others do
at the same time. A dry run does the same work and takes it back.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from services.actor import Actor, Permission
from services.assets import import_queries
from services.assets.csv_rows import ImportFile, ImportRow, Issue, read_import
from services.assets.import_queries import Columns
from services.assets.models import Criticality
from services.assets.values import normalize_tags
from services.database import Change, UnitOfWork, utcnow
from services.errors import InvalidInput
from services.identifiers import uuid7
from services.scanner.address import AddressPolicy
from services.scanner.target import Target

MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_DETAILS = 1000


class OnConflict(StrEnum):
    """What to do with a row whose target is watched already."""

    SKIP = "skip"
    UPDATE = "update"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    is_dry_run: bool = False
    """Say what would happen, and write nothing."""
    on_conflict: OnConflict = OnConflict.SKIP
    is_atomic: bool = False
    """Write nothing at all when any row has an error."""
    default_tags: Sequence[str] = ()
    """Given to every row, beside its own."""


@dataclass(slots=True)
class ImportReport:
    """What became of the rows of a file: each is created, updated, skipped or failed."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    """Left as it was: watched already, unchanged, or named by an earlier row."""
    failed: int = 0
    issues: list[Issue] = field(default_factory=list[Issue])
    warnings: Sequence[str] = ()

    @property
    def errors(self) -> list[str]:
        """In words, the first 1,000 of them, in the order of the file."""
        return [str(issue) for issue in self._ordered() if issue.is_error][:MAX_DETAILS]

    @property
    def details(self) -> list[Issue]:
        """At most 1,000, what is wrong before what was skipped, each in the order of the file."""
        return self._ordered()[:MAX_DETAILS]

    @property
    def details_truncated(self) -> bool:
        return len(self.issues) > MAX_DETAILS

    def _ordered(self) -> list[Issue]:
        return sorted(self.issues, key=lambda issue: (not issue.is_error, issue.row))


async def import_assets(
    work: UnitOfWork, actor: Actor, policy: AddressPolicy, content: bytes, options: ImportOptions
) -> ImportReport:
    """Raises InvalidInput for bad options, InvalidRequest for a file that cannot be read."""
    actor.require(Permission.ASSETS_WRITE)
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInput(f"A file has at most {MAX_FILE_BYTES} bytes", field="file")
    default_tags = normalize_tags(options.default_tags)
    # Off the loop: ten thousand targets take a second to parse.
    file = await asyncio.to_thread(read_import, content, default_tags, policy)
    report = _report_of(file)
    if not file.rows:
        return report
    async with work.session.begin_nested() as writing:
        await _write(work, actor, file.rows, options.on_conflict, report)
        is_refused = options.is_atomic and report.failed > 0
        if is_refused or options.is_dry_run:
            await writing.rollback()
    if is_refused:
        report.created = report.updated = 0
    elif not options.is_dry_run:
        counts = {"created": report.created, "updated": report.updated}
        work.record(actor, "assets.imported", Change("asset", after=counts))
    return report


def _report_of(file: ImportFile) -> ImportReport:
    return ImportReport(
        skipped=file.repeated,
        failed=file.failed,
        issues=list(file.issues),
        warnings=file.warnings,
    )


async def _write(
    work: UnitOfWork,
    actor: Actor,
    rows: Sequence[ImportRow],
    on_conflict: OnConflict,
    report: ImportReport,
) -> None:
    """Insert what is new, then do with the rest what was asked for; counts into the report."""
    # Keys are time-ordered, and in one millisecond random: sorted, they follow the file.
    ids = sorted(uuid7() for _ in rows)
    inserts = [{"id": id_, **_new_columns(row)} for id_, row in zip(ids, rows, strict=True)]
    created = await import_queries.insert_new(
        work.session, actor.organization_id, inserts, utcnow()
    )
    report.created = len(created)
    taken = [row for id_, row in zip(ids, rows, strict=True) if id_ not in created]
    if on_conflict is OnConflict.UPDATE:
        await _update(work, actor, taken, report)
        return
    is_error = on_conflict is OnConflict.FAIL
    report.issues += [
        row.issue("asset_exists", f"{row.target} is an asset already", is_error=is_error)
        for row in taken
    ]
    if is_error:
        report.failed += len(taken)
    else:
        report.skipped += len(taken)


async def _update(
    work: UnitOfWork, actor: Actor, rows: Sequence[ImportRow], report: ImportReport
) -> None:
    if not rows:
        return
    existing = await import_queries.lock_existing(
        work.session, actor.organization_id, [row.target for row in rows]
    )
    changed: list[Columns] = []
    for row in rows:
        before = existing.get(row.target)
        try:
            after = _changed_columns(row, before) if before else None
        except InvalidInput as error:
            report.failed += 1
            report.issues.append(Issue(row.line, "tags", "", "invalid_tags", error.message))
            continue
        if after is None or after == before:
            report.skipped += 1
        else:
            changed.append(after)
    report.updated = len(changed)
    if changed:
        await import_queries.update_existing(work.session, actor.organization_id, changed, utcnow())


def _new_columns(row: ImportRow) -> Columns:
    defaults: Columns = {
        "name": row.target.value,
        "tags": list(row.default_tags),
        "criticality": Criticality.NORMAL,
        "owner_email": None,
        "description": None,
        "is_active": True,
    }
    return {**defaults, **row.values, **_target_columns(row.target)}


def _changed_columns(row: ImportRow, before: Columns) -> Columns:
    """The columns of an asset after the row; what the row does not mention stays.

    Raises InvalidInput when the default tags are too many beside its own.
    """
    tags = row.values.get("tags", [*before["tags"], *row.default_tags])
    return {**before, **row.values, "tags": normalize_tags(tags)}


def _target_columns(target: Target) -> Columns:
    return {"target_type": target.type, "target_value": target.value}
