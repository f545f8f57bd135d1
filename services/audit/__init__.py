"""The audit log: who did what, append-only, one hash chain per organization."""

from services.audit.chain import PLATFORM, append_entries
from services.audit.models import AuditEntry
from services.audit.queries import AuditFilter
from services.audit.service import (
    AuditEntryView,
    ExportFormat,
    count_audit_entries,
    export_audit_log,
    list_audit_entries,
    record_export,
    slice_audit_entries,
)
from services.audit.verification import ChainHead, Verdict, verify_chains

__all__ = [
    "PLATFORM",
    "AuditEntry",
    "AuditEntryView",
    "AuditFilter",
    "ChainHead",
    "ExportFormat",
    "Verdict",
    "append_entries",
    "count_audit_entries",
    "export_audit_log",
    "list_audit_entries",
    "record_export",
    "slice_audit_entries",
    "verify_chains",
]
