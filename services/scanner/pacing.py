"""How many questions at once a server can bear, found out by asking.

As TCP does it (RFC 5681): one more for each window that was answered, half as many after a loss.
A resolver that is slow for many targets at once would else be taken for one that knows nothing.
A loss counts only while nothing is answered quickly: one dead name slows nobody else down.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_START, _LEAST = 32, 8
_QUICK_S, _RECENT_S = 0.5, 1.0
"""An answer within so short a time, so short a time ago, says that there is no jam."""


class Window:
    """A limit on what is under way that follows what comes back. For one event loop."""

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._size = float(min(_START, most))
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._calm_until_s = 0.0

    @property
    def size(self) -> int:
        return int(self._size)

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Wait for a place, in order of arrival, and hold it."""
        if self._under_way >= self.size or self._waiting:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave()  # the place was given to us, and we do not take it
                raise
        else:
            self._under_way += 1
        try:
            yield
        finally:
            self._leave()

    def note_answer(self, elapsed_s: float) -> None:
        """Answered after so long since it was sent."""
        self._size = min(self._size + 1 / self._size, self._most)
        if elapsed_s < _QUICK_S:
            self._calm_until_s = time.monotonic() + _RECENT_S

    def note_loss(self) -> None:
        """Losses of one moment count once."""
        now = time.monotonic()
        if now >= self._calm_until_s:
            self._size = max(self._size / 2, float(_LEAST))
            self._calm_until_s = now + _RECENT_S

    def _leave(self) -> None:
        self._under_way -= 1
        while self._waiting and self._under_way < self.size:
            turn = self._waiting.popleft()
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)
