"""The only file that looks into arq's untyped dictionary."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from services.resources import Resources
from services.scans import Worker

Ctx = dict[Any, Any]  # Any: arq's own type
_KEY = "nis2"


@dataclass(frozen=True, slots=True)
class JobContext:
    resources: Resources
    worker: Worker
    stack: AsyncExitStack
    """Closes everything when the worker stops."""

    @classmethod
    def of(cls, ctx: Ctx) -> "JobContext":
        context: JobContext = ctx[_KEY]
        return context

    def put_into(self, ctx: Ctx) -> None:
        ctx[_KEY] = self
