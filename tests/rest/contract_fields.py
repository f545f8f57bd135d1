"""The documented JSON of each row: ``field:type`` words, ``?`` where it may be null.

Only what clients of the documented platform read; what we add is checked by the OpenAPI schema.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, cast
from uuid import UUID

Json = Any  # any JSON value


def _is_uuid(value: Json) -> bool:
    return isinstance(value, str) and str(UUID(value)) == value


def _is_time(value: Json) -> bool:
    return (
        isinstance(value, str)
        and value.endswith("Z")
        and datetime.fromisoformat(value).utcoffset() is not None
    )


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_int(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list_of(judge: Callable[[Json], bool]) -> Callable[[Json], bool]:
    def is_such_a_list(value: Json) -> bool:
        return isinstance(value, list) and all(map(judge, cast("list[Json]", value)))

    return is_such_a_list


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _one_of(*values: str) -> Callable[[Json], bool]:
    return lambda value: value in values


TYPES: dict[str, Callable[[Json], bool]] = {
    "uuid": _is_uuid,
    "text": _is_text,
    "int": _is_int,
    "number": _is_number,
    "bool": lambda value: isinstance(value, bool),
    "time": _is_time,
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "texts": _list_of(_is_text),
    "ints": _list_of(_is_int),
    "role": _one_of("admin", "auditor", "viewer"),
    "target_type": _one_of("domain", "ip", "cidr"),
    "scan_type": _one_of("full", "quick", "custom"),
    "scan_status": _one_of("pending", "running", "completed", "failed", "cancelled"),
    "severity": _one_of("critical", "high", "medium", "low", "info"),
    "finding_status": _one_of(
        "open", "acknowledged", "in_progress", "resolved", "accepted_risk", "false_positive"
    ),
    "format": _one_of("pdf", "json", "csv"),
    "report_status": _one_of("pending", "started", "success", "failure", "expired"),
    "bearer": _one_of("bearer"),
    "queued": _one_of("queued"),
    "ok": _one_of("ok"),
    "ready": _one_of("ok", "degraded"),
}

TOKENS = "access_token:text refresh_token:text token_type:bearer"
USER = (
    "id:uuid email:text full_name:text locale:text avatar_url:text? email_verified:bool"
    " is_active:bool created_at:time"
)
SCAN = (
    "id:uuid organization_id:uuid created_by:uuid? name:text status:scan_status"
    " scan_type:scan_type config_snapshot:object total_score:int? hosts_scanned:int"
    " hosts_alive:int findings_critical:int findings_high:int findings_medium:int"
    " findings_low:int started_at:time? completed_at:time? duration_seconds:number?"
    " compliance_matrix:object? executive_summary:text? celery_task_id:text?"
    " error_message:text? created_at:time updated_at:time config_snapshot.name:text"
    " config_snapshot.domains:texts config_snapshot.ip_ranges:texts"
    " config_snapshot.scan_type:scan_type"
)
RESULT = (
    "id:uuid scan_id:uuid target:text ip:text? is_alive:bool open_ports:ints?"
    " http_info:object? tls_info:object? dns_info:object? legal_info:object?"
    " resilience_info:object? whois_info:object? secrets_found:list? errors:texts?"
    " created_at:time"
)
COMPARISON = (
    "scan_a.id:uuid scan_a.name:text scan_a.score:int? scan_a.date:time scan_b.id:uuid"
    " scan_b.name:text scan_b.score:int? scan_b.date:time score_delta:int? new_findings:list"
    " resolved_findings:list persistent_findings:int summary.new:int summary.resolved:int"
    " summary.persistent:int new_findings[].severity:severity new_findings[].category:text"
    " new_findings[].message:text new_findings[].target:text"
)
FINDING = (
    "id:uuid scan_id:uuid scan_result_id:uuid? organization_id:uuid severity:severity"
    " category:text message:text rationale:text? target:text reference:text?"
    " cvss_base_score:number? cvss_vector:text? technical_detail:text? remediation:text?"
    " remediation_cost:text? remediation_effort:text? compliance_article:text?"
    " status:finding_status assigned_to:uuid? resolved_at:time? resolution_note:text?"
    " fingerprint:text first_seen_at:time last_seen_at:time occurrences:int created_at:time"
    " updated_at:time"
)
STATS = (
    "total:int critical:int high:int medium:int low:int info:int open:int acknowledged:int"
    " in_progress:int resolved:int accepted_risk:int"
)
ASSET = (
    "id:uuid organization_id:uuid name:text target_type:target_type target_value:text"
    " pinned_ip:text? tags:texts? is_active:bool created_at:time updated_at:time"
)
SCHEDULE = (
    "id:uuid name:text cron_expression:text config.asset_ids:texts config.scan_type:scan_type"
    " is_active:bool last_run_at:time? next_run_at:time? created_at:time"
)
ORGANIZATION = (
    "id:uuid name:text slug:text plan:text settings:object max_scans_per_month:int"
    " created_at:time updated_at:time"
)
# An invitation says nothing of a user, so that nobody learns which addresses have an account.
MEMBER = "id:uuid user_id:uuid? role:role accepted_at:time? user:object? created_at:time"
REPORT = (
    "task_id:uuid status:report_status filename:text content_type:text format:format"
    " scan_id:uuid size:int"
)


def page(shape: str) -> str:
    items = re.sub(r"(?:^|(?<= ))", "items[].", shape)
    return f"items:list total:int page:int page_size:int {items}"


def array(shape: str) -> str:
    return re.sub(r"(?:^|(?<= ))", "[].", shape)


# Row, status of its success, shape (None: no JSON).
ROWS: dict[str, tuple[int, str | None]] = {
    "POST /auth/register": (201, TOKENS),
    "POST /auth/login": (200, TOKENS),
    "POST /auth/refresh": (200, TOKENS),
    "GET /auth/me": (200, USER),
    "PATCH /auth/me": (200, USER),
    "GET /scans": (200, page(SCAN)),
    "POST /scans": (201, SCAN),
    "GET /scans/{scan_id}": (200, SCAN),
    "DELETE /scans/{scan_id}": (204, None),
    "GET /scans/{scan_id}/results": (200, page(RESULT)),
    "GET /scans/{scan_id}/findings": (200, page(FINDING)),
    "POST /scans/{scan_id}/cancel": (200, SCAN),
    "GET /scans/{scan_id}/compare/{other_id}": (200, COMPARISON),
    "GET /findings": (200, page(FINDING)),
    "GET /findings/stats": (200, STATS),
    "GET /findings/{finding_id}": (200, FINDING),
    "PATCH /findings/{finding_id}": (200, FINDING),
    "POST /findings/bulk-update": (200, "updated:int total_requested:int"),
    "GET /assets": (200, page(ASSET)),
    "POST /assets": (201, ASSET),
    "GET /assets/{asset_id}": (200, ASSET),
    "PATCH /assets/{asset_id}": (200, ASSET),
    "DELETE /assets/{asset_id}": (204, None),
    "POST /assets/import": (201, "created:int skipped:int errors:texts"),
    "GET /schedules": (200, array(SCHEDULE)),
    "POST /schedules": (201, SCHEDULE),
    "PATCH /schedules/{schedule_id}": (200, SCHEDULE),
    "DELETE /schedules/{schedule_id}": (204, None),
    "POST /schedules/{schedule_id}/run": (202, "task_id:text status:queued schedule_id:uuid"),
    "POST /reports/generate": (202, "task_id:uuid status:queued format:format scan_id:uuid"),
    "GET /reports/status/{task_id}": (200, REPORT),
    "GET /reports/download/{task_id}": (200, None),
    "GET /organizations": (200, array(ORGANIZATION)),
    "GET /organizations/{org_id}": (200, ORGANIZATION),
    "PATCH /organizations/{org_id}": (200, ORGANIZATION),
    "GET /organizations/{org_id}/members": (200, array(MEMBER)),
    "POST /organizations/{org_id}/members": (201, MEMBER),
    "PATCH /organizations/{org_id}/members/{member_id}": (200, MEMBER),
    "DELETE /organizations/{org_id}/members/{member_id}": (204, None),
    "GET /health": (200, "status:ok"),
    "GET /health/ready": (200, "status:ready checks.database:ok checks.redis:ok"),
}


def misfits(document: Json, shape: str) -> list[str]:
    """What the document lacks or has of another type, one line each."""
    found: list[str] = []
    for word in shape.split():
        path, _, type_name = word.partition(":")
        judge = TYPES[type_name.removesuffix("?")]
        try:
            values = list(_values(document, path))
        except (KeyError, TypeError) as error:
            found.append(f"{path} is missing ({error!r})")
            continue
        if not values:
            found.append(f"{path}: an empty list shows nothing")
        for value in values:
            if value is None and type_name.endswith("?"):
                continue
            if value is None or not judge(value):
                found.append(f"{path} is no {type_name}: {value!r}")
    return found


def _values(document: Json, path: str) -> Iterator[Json]:
    """All values at a path; ``[]`` stands for each item of a list."""
    name, _, rest = path.partition(".")
    below = document[name.removesuffix("[]")] if name != "[]" else document
    items = below if name.endswith("[]") else [below]
    for item in items:
        if rest:
            yield from _values(item, rest)
        else:
            yield item
