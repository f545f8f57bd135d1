"""How many HTTP requests the scan of one target may make in all, whichever check asks."""

from services.scanner.suite import ProbeError

MOST_REQUESTS = 60
"""Of one target in a full scan, all its web endpoints together."""


class Allowance:
    """Counts the requests of one target. Not shared between targets, nor between threads."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self.taken = 0

    def take(self) -> None:
        """Count one more request. Raises ProbeError when there is none left."""
        if self._limit is not None and self.taken >= self._limit:
            raise ProbeError(f"the scan has made the {self._limit} requests it may make")
        self.taken += 1

    @property
    def left(self) -> int | None:
        """None means without a limit."""
        return None if self._limit is None else self._limit - self.taken
