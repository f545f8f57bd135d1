"""How often a caller, an address, and a stranger who signs in may ask: fixed windows in Redis.

Without Redis requests pass, but for signing in: that is counted in this process then, so that
nobody guesses passwords by taking Redis down.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final

import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import error_response
from services.actor import Caller
from services.errors import TooManyRequests
from services.resources import Resources
from services.settings import Settings

log = structlog.get_logger()

WINDOW_S: Final = 60
_PATIENCE_S: Final = 0.5
"""How long a request waits for Redis before it is away."""
_REST_S: Final = 5.0
"""How long Redis is not asked again after it was away."""
_MAX_COUNTED: Final = 10_000
"""Addresses counted in this process at most."""
_SIGN_IN: Final = (
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/forgot-password",
    "/api/v1/auth/reset-password",
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """Who may ask how often in one window."""

    name: str
    limit: int
    is_kept_without_redis: bool = False


Rule = Callable[[Scope], Allowance | None]


@dataclass(slots=True)
class WindowCounter:
    """Counts in Redis, so that all gateways count together."""

    clock: Callable[[], float] = time.time
    _away_until: float = 0.0
    _own: Counter[str] = field(default_factory=Counter[str])
    _own_window: int = 0

    async def count(self, redis: ArqRedis, allowance: Allowance) -> tuple[int, int]:
        """Requests of this window with this one, and seconds until the next window."""
        now = self.clock()
        window = int(now // WINDOW_S)
        reset_s = max(1, round((window + 1) * WINDOW_S - now))
        seen = await self._ask(redis, f"nis2:rate:{allowance.name}:{window}", now)
        if seen is None:
            is_kept = allowance.is_kept_without_redis
            seen = self._count_here(allowance.name, window) if is_kept else 0
        return seen, reset_s

    async def _ask(self, redis: ArqRedis, key: str, now: float) -> int | None:
        """None when Redis is away."""
        if now < self._away_until:
            return None
        try:
            async with asyncio.timeout(_PATIENCE_S), redis.pipeline(transaction=False) as pipe:
                pipe.incr(key)
                pipe.expire(key, WINDOW_S + 1)
                answers = await pipe.execute()
                return int(answers[0])
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = now + _REST_S
            log.warning("rate_limits_without_redis", error=type(error).__name__)
            return None

    def _count_here(self, name: str, window: int) -> int:
        if window != self._own_window or len(self._own) >= _MAX_COUNTED:
            self._own.clear()
            self._own_window = window
        self._own[name] += 1
        return self._own[name]


class RateLimitMiddleware:
    """Counts what ``rule`` names, tells the client, and refuses what is too much."""

    def __init__(self, app: ASGIApp, rule: Rule, counter: WindowCounter) -> None:
        self._app = app
        self._rule = rule
        self._counter = counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowance = self._rule(scope) if scope["type"] == "http" else None
        if allowance is None:
            await self._app(scope, receive, send)
            return
        seen, reset_s = await self._counter.count(_resources(scope).redis, allowance)
        told = {
            "RateLimit-Limit": str(allowance.limit),
            "RateLimit-Remaining": str(max(0, allowance.limit - seen)),
            "RateLimit-Reset": str(reset_s),
        }

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in told.items():
                    headers.setdefault(name, value)  # an inner, narrower limit stands
            await send(message)

        if seen > allowance.limit:
            error = TooManyRequests(
                f"Too many requests: try again in {reset_s} s", retry_after_s=reset_s
            )
            await error_response(error, scope)(scope, receive, send_told)
            return
        await self._app(scope, receive, send_told)


def address_rule(settings: Settings) -> Rule:
    """Everybody by address, and whoever signs in more narrowly; before authentication."""

    def rule(scope: Scope) -> Allowance | None:
        path: str = scope["path"]
        if not _is_counted(path):
            return None
        address = _network(scope)
        if scope["method"] == "POST" and path in _SIGN_IN:
            name = f"sign-in:{address}"
            return Allowance(name, settings.rate_limit_sign_in, is_kept_without_redis=True)
        return Allowance(f"address:{address}", settings.rate_limit_per_address)

    return rule


def caller_rule(settings: Settings) -> Rule:
    """Each user, from wherever; after authentication."""

    def rule(scope: Scope) -> Allowance | None:
        caller = _caller(scope)
        return caller_allowance(caller, settings) if caller is not None else None

    return rule


def caller_allowance(caller: Caller, settings: Settings) -> Allowance:
    return Allowance(f"user:{caller.user_id}", settings.rate_limit_per_user)


def _resources(scope: Scope) -> Resources:
    return scope["state"]["resources"]


def _caller(scope: Scope) -> Caller | None:
    return scope["state"].get("caller")


def _is_counted(path: str) -> bool:
    is_api = path.startswith("/api/v1/") or path == "/graphql"
    return is_api and not path.startswith("/api/v1/health")


def _network(scope: Scope) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: a home has that many addresses."""
    client: tuple[str, int] | None = scope.get("client")
    try:
        address = ip_address(client[0].partition("%")[0] if client else "")
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
