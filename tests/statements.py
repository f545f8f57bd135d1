"""Counting what the database is asked."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import event
from sqlalchemy.engine import Connection

from services.resources import Resources


@dataclass
class Statements:
    texts: list[str] = field(default_factory=list[str])

    def __len__(self) -> int:
        return len(self.texts)


@contextmanager
def counted(resources: Resources) -> Generator[Statements]:
    """Every statement the pool is given inside the block, those of authentication included."""
    seen = Statements()

    def note(_connection: Connection, _cursor: object, text: str, *_rest: object) -> None:
        seen.texts.append(text)

    engine = resources.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
