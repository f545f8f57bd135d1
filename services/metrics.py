"""What a process counts and times. ``metrics_server`` shows it to Prometheus.

Label values are closed sets: a route's template and never a path, a check's category and never a
host, so that no caller and no target can make the series grow.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram, Info

from services.version import VERSION

_REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_WORK_BUCKETS_S = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)

HTTP_REQUESTS = Counter(
    "nis2_http_requests", "Requests answered, by route template.", ("method", "route", "status")
)
HTTP_DURATION = Histogram(
    "nis2_http_request_duration_seconds",
    "From the first byte of a request to the last of its answer.",
    ("method", "route"),
    buckets=_REQUEST_BUCKETS_S,
)
JOBS = Counter("nis2_jobs", "Jobs run by this worker, sweeps among them.", ("job", "outcome"))
JOB_DURATION = Histogram(
    "nis2_job_duration_seconds", "Of one job.", ("job",), buckets=_WORK_BUCKETS_S
)
SWEPT = Counter(
    "nis2_swept_jobs", "Jobs queued again because their message or worker was lost.", ("job",)
)
SCANS_ENDED = Counter("nis2_scans_ended", "Scans ended, by how.", ("status",))
TARGETS = Counter("nis2_scan_targets", "Targets looked at, by what became of them.", ("status",))
CHECKS = Counter("nis2_check_results", "Verdicts of checks.", ("category", "outcome"))
SUITE_DURATION = Histogram(
    "nis2_suite_duration_seconds",
    "One probe and the checks that judge what it saw, at one endpoint.",
    ("suite",),
    buckets=_WORK_BUCKETS_S,
)
BUILD = Info("nis2_build", "The version that runs.")
BUILD.info({"version": VERSION})


@contextmanager
def timed(histogram: Histogram, *labels: str) -> Generator[None]:
    """Observe how long the block took, however it ends."""
    began = time.perf_counter()
    try:
        yield
    finally:
        histogram.labels(*labels).observe(time.perf_counter() - began)
