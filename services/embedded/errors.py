"""What can go wrong with the embedded servers, in words fit for the terminal."""


class EmbeddedError(Exception):
    """The servers cannot run; the message says why and what to do, in one line."""


class AlreadyRunning(EmbeddedError):
    """Another instance holds the lock of the data directory."""

    def __init__(self, pid: str) -> None:
        super().__init__(f"already running (pid {pid})")


class StopRequested(Exception):
    """Somebody asked the supervisor to stop while it was waiting for something."""
