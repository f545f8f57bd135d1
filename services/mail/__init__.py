"""Mail: letters, and the post office that hands them to an SMTP server."""

from services.mail.outbox import LEASE, QUIET, retry_at
from services.mail.post_office import Letter, MailDelayed, MailRefused, PostOffice, one_line

__all__ = [
    "LEASE",
    "QUIET",
    "Letter",
    "MailDelayed",
    "MailRefused",
    "PostOffice",
    "one_line",
    "retry_at",
]
