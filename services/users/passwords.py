"""Passwords: argon2id, computed off the event loop by a bounded number of threads."""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from passlib.context import CryptContext

Result = TypeVar("Result")

MAX_LENGTH = 128
"""Characters; checked before hashing, so that nobody makes us hash a megabyte."""


class PasswordHasher:
    """One per process. Each hash holds ``memory_kib`` of memory while it is computed."""

    def __init__(self, *, memory_kib: int, time_cost: int) -> None:
        self._context = CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=memory_kib,
            argon2__time_cost=time_cost,
            argon2__parallelism=1,
        )
        # argon2 releases the GIL: more threads than cores only cost memory.
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="argon2")
        self._decoy = self._context.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._context.hash(_normalized(password)))

    async def verify(self, password: str, password_hash: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and a new hash when the old one is out of date.

        Without a hash a decoy is verified: an unknown e-mail costs what a wrong password costs.
        """
        ok, new_hash = await self._run(
            lambda: self._context.verify_and_update(
                _normalized(password), password_hash or self._decoy
            )
        )
        return (ok, new_hash) if password_hash else (False, None)

    async def _run(self, function: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    def close(self) -> None:
        self._pool.shutdown(wait=False)


def _normalized(password: str) -> str:
    """One spelling for one password, whatever keyboard typed it (NFKC, RFC 8265)."""
    return unicodedata.normalize("NFKC", password)
