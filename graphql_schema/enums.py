"""Closed sets: one Python enum for database, REST and GraphQL, where its names are upper case.

Descriptions are put beside the members, so that the services' enums stay as they are.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import strawberry

from services.actor import Permission, Role
from services.assets import Criticality
from services.compliance import MatrixStatus
from services.findings import FindingEventKind, FindingFlag, FindingStatus, Resolution
from services.organizations import MemberStatus
from services.reports import Paper, ReportFormat, ReportStatus, Template
from services.scanner.check import Outcome, Severity
from services.scanner.profile import ScanType
from services.scanner.result import TargetStatus
from services.scanner.target import TargetType
from services.scans import Difference, ScanStatus, ScanWait
from services.schedules import Overlap, PauseReason, RunOutcome


class FindingOrderField(StrEnum):
    CREATED_AT = "created_at"
    SEVERITY = "severity"


class OrderDirection(StrEnum):
    ASC = "asc"
    DESC = "desc"


_ENUMS: Mapping[type[StrEnum], tuple[str, Mapping[StrEnum, str]]] = {
    Role: (
        "What a member may do in an organization.",
        {
            Role.ADMIN: "Everything, members and settings included.",
            Role.AUDITOR: "Runs scans and works on assets and findings.",
            Role.VIEWER: "Reads, and asks for reports.",
        },
    ),
    Permission: (
        "One thing a role may do.",
        {
            permission: f"{permission.value.partition(':')[2].capitalize()}"
            f" {permission.value.partition(':')[0]}."
            for permission in Permission
        },
    ),
    TargetType: (
        "What an asset is.",
        {
            TargetType.DOMAIN: "A domain name.",
            TargetType.IP: "One IPv4 or IPv6 address.",
            TargetType.CIDR: "A network of addresses.",
        },
    ),
    Criticality: (
        "How much depends on an asset.",
        {
            Criticality.LOW: "Little depends on it.",
            Criticality.NORMAL: "As much as on most.",
            Criticality.HIGH: "Much depends on it.",
            Criticality.CRITICAL: "The essential service depends on it.",
        },
    ),
    ScanType: (
        "How deep a scan looks.",
        {
            ScanType.QUICK: "The most important checks.",
            ScanType.FULL: "Every check.",
            ScanType.CUSTOM: "The features that are switched on.",
        },
    ),
    ScanStatus: (
        "Where a scan is in its life.",
        {
            ScanStatus.PENDING: "Waiting for a worker.",
            ScanStatus.RUNNING: "Workers look at its targets.",
            ScanStatus.COMPLETED: "Every target is accounted for; results never change.",
            ScanStatus.FAILED: "It could not be finished; see the error.",
            ScanStatus.CANCELLED: "Somebody stopped it; finished targets stay.",
        },
    ),
    ScanWait: (
        "What keeps a scan from going on.",
        {
            ScanWait.RUNNING_SCANS: "As many scans of the organization run as may at once.",
            ScanWait.ADDRESS: "Another scan is at the address of one of its targets.",
        },
    ),
    TargetStatus: (
        "How far a target could be looked at.",
        {
            TargetStatus.EVALUATED: "Every check that applies was evaluated.",
            TargetStatus.PARTIALLY_EVALUATED: "Some checks could not be evaluated.",
            TargetStatus.UNREACHABLE: "It has an address, and nothing answered there.",
            TargetStatus.UNRESOLVED: "It has no address.",
            TargetStatus.BLOCKED: "Its address may not be scanned.",
            TargetStatus.SKIPPED: "It was left out.",
        },
    ),
    Outcome: (
        "What a check concluded.",
        {
            Outcome.PASSED: "It looked, and all is well.",
            Outcome.FAILED: "It looked, and found something wrong.",
            Outcome.NOT_EVALUATED: "It could not look: neither good nor bad.",
        },
    ),
    Severity: (
        "How bad a finding is.",
        {
            Severity.CRITICAL: "Act today.",
            Severity.HIGH: "Act this week.",
            Severity.MEDIUM: "Plan it.",
            Severity.LOW: "When there is time.",
            Severity.INFO: "Good to know; no weakness by itself.",
        },
    ),
    FindingStatus: (
        "Where a finding is in its life.",
        {
            FindingStatus.OPEN: "Seen, and nobody has looked at it yet.",
            FindingStatus.ACKNOWLEDGED: "Somebody has seen it.",
            FindingStatus.IN_PROGRESS: "Somebody works on it.",
            FindingStatus.RESOLVED: "Gone, verified by a scan or said by a person.",
            FindingStatus.ACCEPTED_RISK: "Known and accepted until a date.",
            FindingStatus.FALSE_POSITIVE: "No problem after all.",
        },
    ),
    MatrixStatus: (
        "What machines can say about a letter or point. Never compliant.",
        {
            MatrixStatus.MANUAL: "No question for a scan; a person must answer it.",
            MatrixStatus.NOT_EVALUATED: "Nothing could be tested.",
            MatrixStatus.PARTIALLY_EVALUATED: "Nothing was found, and some checks did not run.",
            MatrixStatus.NO_CONTRARY_EVIDENCE: "Nothing was found in what was tested.",
            MatrixStatus.ATTENTION: "The worst problem is low or medium.",
            MatrixStatus.GAP_INDICATED: "The worst problem is high or critical.",
        },
    ),
    Resolution: (
        "Why a finding counts as resolved.",
        {
            Resolution.FIXED_VERIFIED: "A scan looked again, and it was gone.",
            Resolution.ASSET_REMOVED: "Its asset is watched no longer: nothing was fixed.",
            Resolution.MANUAL: "A person said so.",
        },
    ),
    FindingFlag: (
        "What to know before trusting the state of a finding.",
        {
            FindingFlag.OVERDUE: "Unresolved past its due date.",
            FindingFlag.NEEDS_REVIEW: "Called a false positive, and it looks different since.",
            FindingFlag.JUSTIFICATION_MISSING: "Its risk is accepted and nobody said why.",
            FindingFlag.SEVERE_RISK_ACCEPTED: "Its risk is accepted although it is high.",
            FindingFlag.ACCEPTANCE_ENDING: "Its risk is accepted for two weeks more at most.",
        },
    ),
    FindingEventKind: (
        "What changed in a step of a finding's life.",
        {
            FindingEventKind.FIRST_SEEN: "A scan saw it for the first time.",
            FindingEventKind.STATUS: "Its state.",
            FindingEventKind.SEVERITY: "How bad it is.",
            FindingEventKind.ASSIGNEE: "Who works on it.",
            FindingEventKind.DUE: "When it should be resolved.",
            FindingEventKind.NOTE: "What is noted about it.",
            FindingEventKind.ACCEPTANCE: "How long its risk stays accepted.",
            FindingEventKind.REVIEW: "Whether it is to be looked at again.",
            FindingEventKind.NOTICE: "Its acceptance ends in so many days.",
        },
    ),
    ReportFormat: (
        "The file a report comes as.",
        {
            ReportFormat.PDF: "For people, on paper.",
            ReportFormat.HTML: "For people, in a browser; one file.",
            ReportFormat.MARKDOWN: "For tickets and wikis.",
            ReportFormat.CSV: "For spreadsheets.",
            ReportFormat.JSON: "For programs; REST serves its JSON Schema.",
            ReportFormat.SARIF: "SARIF 2.1.0, for code hosts and pipelines.",
            ReportFormat.JUNIT: "JUnit XML, for pipelines.",
            ReportFormat.OSCAL: "OSCAL assessment results, for GRC tools.",
        },
    ),
    Template: (
        "How much of a report people get.",
        {
            Template.FULL: "Everything.",
            Template.MANAGEMENT: "Without the list of findings.",
        },
    ),
    Paper: (
        "Of a PDF.",
        {Paper.A4: "ISO A4.", Paper.LETTER: "US Letter."},
    ),
    ReportStatus: (
        "How far a report is.",
        {
            ReportStatus.PENDING: "Waiting for a worker.",
            ReportStatus.STARTED: "A worker makes it.",
            ReportStatus.SUCCESS: "The file can be downloaded.",
            ReportStatus.FAILURE: "It could not be made; see the error.",
            ReportStatus.EXPIRED: "The file was deleted after its time.",
        },
    ),
    MemberStatus: (
        "Whether somebody belongs to an organization already.",
        {
            MemberStatus.ACTIVE: "A member.",
            MemberStatus.PENDING: "Invited, and has not answered.",
            MemberStatus.EXPIRED: "Invited, and answered too late or never: invite again.",
        },
    ),
    Overlap: (
        "What a schedule does while its last scan has not ended.",
        {
            Overlap.SKIP: "Leave this time out.",
            Overlap.QUEUE: "Start when it ends; one waits, no more.",
            Overlap.CANCEL_RUNNING: "Stop the one that runs.",
        },
    ),
    RunOutcome: (
        "What became of a time a schedule was due.",
        {
            RunOutcome.STARTED: "A scan was started.",
            RunOutcome.QUEUED: "It waits for the scan before it.",
            RunOutcome.SKIPPED: "Left out, as the schedule says.",
            RunOutcome.MISSED: "No worker was there in time.",
            RunOutcome.FAILED: "No scan could be started.",
        },
    ),
    PauseReason: (
        "Why the platform paused a schedule.",
        {
            PauseReason.NO_ASSET_LEFT: "All of its assets were deleted.",
            PauseReason.INVALID: "Its expression or zone is no longer understood.",
        },
    ),
    Difference: (
        "Why two scans cannot be compared without a word of caution.",
        {
            Difference.PROFILE: "They looked with different depth.",
            Difference.CATALOG: "They ran different versions of the checks.",
            Difference.SCORING: "They were scored by different rules.",
            Difference.SCOPE: "They looked at different targets.",
        },
    ),
    FindingOrderField: (
        "What findings can be ordered by.",
        {
            FindingOrderField.CREATED_AT: "When it was filed.",
            FindingOrderField.SEVERITY: "Ascending: critical first.",
        },
    ),
    OrderDirection: (
        "Which way a list runs.",
        {OrderDirection.ASC: "Ascending.", OrderDirection.DESC: "Descending."},
    ),
}


def describe_enums() -> None:
    """Make them GraphQL enums. Raises KeyError for a member without a description."""
    for enum, (description, values) in _ENUMS.items():
        strawberry.enum(enum, description=description)
        definition: Any = enum.__dict__["__strawberry_definition__"]  # Any: the line above set it
        for value in definition.values:
            value.description = values[enum[value.name]]
