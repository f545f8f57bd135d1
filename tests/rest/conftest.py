"""What tests of the REST door share with those of the jobs."""

from tests.jobs.conftest import StartScan, start_scan

__all__ = ["StartScan", "start_scan"]
