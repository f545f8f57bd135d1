"""What observations say about NIS2 Article 21(2), and what they do not: pure, no I/O but own data.

``assess`` turns the verdicts of a scan into score, interval, grade and compliance matrix;
``executive_summary`` says it in a few sentences.
"""

from services.compliance.assessment import Assessment, TopLoss, assess
from services.compliance.matrix import MatrixStatus
from services.compliance.measures import (
    DISCLAIMER,
    LEGAL_DATA_VERSION,
    MEASURES,
    AnnexPoint,
    EvidenceClass,
    Measure,
    annex_points,
    letter_of_point,
    point_of,
)
from services.compliance.posture import Exposure, LiveProblem, Looked, assess_exposure
from services.compliance.score import SCORING_VERSION, Grade
from services.compliance.summary import ProblemCount, SummaryFacts, executive_summary
from services.compliance.verdicts import HostVerdicts, ScoredVerdict

__all__ = [
    "DISCLAIMER",
    "LEGAL_DATA_VERSION",
    "MEASURES",
    "SCORING_VERSION",
    "AnnexPoint",
    "Assessment",
    "EvidenceClass",
    "Exposure",
    "Grade",
    "HostVerdicts",
    "LiveProblem",
    "Looked",
    "MatrixStatus",
    "Measure",
    "ProblemCount",
    "ScoredVerdict",
    "SummaryFacts",
    "TopLoss",
    "annex_points",
    "assess",
    "assess_exposure",
    "executive_summary",
    "letter_of_point",
    "point_of",
]
