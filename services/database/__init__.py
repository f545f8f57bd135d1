"""Tables' base classes, and transactions that know their tenant."""

from services.database.away import AWAY, is_away, when_back
from services.database.base import Base, Entity, SeverityRank, utcnow
from services.database.locking import lock_row
from services.database.recording import Change, Origin
from services.database.unit_of_work import Database, Scope, UnitOfWork

__all__ = [
    "AWAY",
    "Base",
    "Change",
    "Database",
    "Entity",
    "Origin",
    "Scope",
    "SeverityRank",
    "UnitOfWork",
    "is_away",
    "lock_row",
    "utcnow",
    "when_back",
]
