"""What people state about letters of Article 21(2) and points of the annex, with evidence."""

from services.attestations.models import Attestation
from services.attestations.service import (
    AttestationRequest,
    AttestationView,
    attest,
    count_attestations,
    current_attestations,
    list_attestations,
    slice_attestations,
    withdraw_attestation,
)

__all__ = [
    "Attestation",
    "AttestationRequest",
    "AttestationView",
    "attest",
    "count_attestations",
    "current_attestations",
    "list_attestations",
    "slice_attestations",
    "withdraw_attestation",
]
