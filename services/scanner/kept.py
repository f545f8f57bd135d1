"""Answers of third parties, kept for a while and asked for once at a time.

Several targets of one scan share a mail server or a registry: the second one waits for what the
first one learns instead of asking again.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """A bounded memory; the least recently used goes first. For one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def get(
        self,
        key: Key,
        ask: Callable[[], Awaitable[Value]],
        lifetime_s: Callable[[Value], float],
    ) -> Value:
        """What is kept, else what ``ask`` gives. What ``ask`` raises is not kept."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock:
            kept = self._values.get(key)
            if kept is not None and kept[0] > time.monotonic():
                self._values.move_to_end(key)
                return kept[1]
            value = await ask()
            self._values[key] = (time.monotonic() + lifetime_s(value), value)
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
            return value
