"""Idempotency keys: a request that is sent twice does its work once.

The key is claimed and the answer kept in the transaction that does the work: a crash leaves
neither, and of two that come at once the second waits and gets the first one's answer.
"""

from services.idempotency.models import IdempotencyKey
from services.idempotency.service import Attempt, claim_key, keep_answer

__all__ = ["Attempt", "IdempotencyKey", "claim_key", "keep_answer"]
