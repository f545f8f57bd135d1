"""The user that the servers run as: ourselves, or ``nobody`` when we are root.

PostgreSQL refuses to run as root. We change user in the child and touch no mode of any directory
above ours: what ``nobody`` cannot reach is copied, or refused with a message.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from services.embedded.errors import EmbeddedError


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int
    drops_root: bool
    """We are root and the servers must not be."""

    def own(self, path: Path) -> None:
        """Hand a file or directory to the servers' user."""
        if not self.drops_root:
            return
        try:
            os.chown(path, self.uid, self.gid)
        except OSError as error:
            raise EmbeddedError(
                f"cannot hand {path} to the user nobody ({error.strerror}); "
                "run as an ordinary user, or set NIS2_DATABASE_URL and NIS2_REDIS_URL"
            ) from error

    def can_use(self, path: Path) -> bool:
        """True when the servers' user can enter this directory, or execute this program."""
        if not self.drops_root:
            return os.access(path, os.R_OK | os.X_OK)
        return self.first_closed(path) is None

    def first_closed(self, path: Path) -> Path | None:
        """The topmost step on the way to the path that the servers' user may not take."""
        if not self.drops_root:
            return None
        resolved = path.resolve()
        for step in (*reversed(resolved.parents), resolved):
            status = step.stat()
            bit = stat.S_IXUSR if status.st_uid == self.uid else stat.S_IXOTH
            if not status.st_mode & bit:
                return step
        return None


def server_account() -> Account:
    """Ourselves, or ``nobody`` for root.

    Raises EmbeddedError when there is no such user.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), drops_root=False)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedError(
            "root needs a user 'nobody' to run the servers as, and this system has none; "
            "run as an ordinary user, or set NIS2_DATABASE_URL and NIS2_REDIS_URL"
        ) from error
    return Account(nobody.pw_uid, nobody.pw_gid, drops_root=True)


def require_passwd_entry(account: Account) -> None:
    """``initdb`` looks its own user up by name, and says little when it fails."""
    try:
        pwd.getpwuid(account.uid)
    except KeyError as error:
        raise EmbeddedError(
            f"user id {account.uid} has no entry in the password database, which PostgreSQL needs; "
            "set NIS2_DATABASE_URL to a server of your own"
        ) from error
