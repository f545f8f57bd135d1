"""When a mail that could not be sent is tried again.

The outbox is the row the mail is about: its ``mail_due_at`` says when, and the job that sends it
moves that time ahead before it opens a connection, so that no other worker sends it too.
"""

from datetime import datetime, timedelta

LEASE = timedelta(minutes=2)
"""Longer than one try with all its time limits."""
QUIET = timedelta(seconds=10)
"""The sweep leaves alone what is due since less: its own job is on the way."""
_PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
)


def retry_at(attempt: int, now: datetime) -> datetime | None:
    """When to try again after the try of this number, counted from 1; None: no more."""
    return now + _PAUSES[attempt - 1] if attempt <= len(_PAUSES) else None
