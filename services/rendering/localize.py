"""A report in its reader's language: whatever the platform itself wrote, wherever it stands.

What people and servers wrote (names, notes, banners) stays as it is. Codes that programs read
(severities, statuses, check ids) stay too; the formats for people put them into words.
"""

from collections.abc import Iterator
from dataclasses import replace

from services.rendering.document import (
    ChangedFinding,
    Json,
    ReportChanges,
    ReportDocument,
    ReportFinding,
    ReportRows,
    ReportScore,
)
from services.translations import DEFAULT_LOCALE, Translator, translator

_WORDS_OF_A_ROW = ("title", "heading", "description", "limits", "note", "disclaimer")


def localized(document: ReportDocument, rows: ReportRows) -> tuple[ReportDocument, ReportRows]:
    """Both in the language of ``document.options``; the rows stay streams."""
    if document.options.locale == DEFAULT_LOCALE:
        return document, rows
    words = translator(document.options.locale)
    return (
        replace(
            document,
            compliance_matrix={
                key: _letter(row, words) for key, row in document.compliance_matrix.items()
            },
            score=_score(document.score, words),
            changes=_changes(document.changes, words),
        ),
        ReportRows(
            findings=(_finding(finding, words) for finding in rows.findings),
            assets=(replace(asset, reason=words.said(asset.reason)) for asset in rows.assets),
            not_tested=(replace(row, reason=words.said(row.reason)) for row in rows.not_tested),
        ),
    )


def _finding(finding: ReportFinding, words: Translator) -> ReportFinding:
    return replace(
        finding,
        title=words.text(finding.title),
        rationale=words.text(finding.rationale) if finding.rationale else None,
        remediation=words.text(finding.remediation) if finding.remediation else None,
        message=words.said(finding.message),
    )


def _letter(row: Json, words: Translator) -> Json:
    points = [dict(_in_words(point, words)) for point in row.get("points", ())]
    return {**dict(_in_words(row, words)), "points": points}


def _in_words(row: Json, words: Translator) -> Iterator[tuple[str, object]]:
    for key, value in row.items():
        is_ours = key in _WORDS_OF_A_ROW and isinstance(value, str)
        yield key, words.text(value) if is_ours else value


def _score(score: ReportScore, words: Translator) -> ReportScore:
    losses = tuple(replace(loss, title=words.text(loss.title)) for loss in score.top_losses)
    return replace(score, top_losses=losses)


def _changes(changes: ReportChanges | None, words: Translator) -> ReportChanges | None:
    if changes is None:
        return None
    return replace(
        changes,
        new_listed=tuple(_changed(one, words) for one in changes.new_listed),
        resolved_listed=tuple(_changed(one, words) for one in changes.resolved_listed),
    )


def _changed(one: ChangedFinding, words: Translator) -> ChangedFinding:
    return replace(one, title=words.text(one.title))
