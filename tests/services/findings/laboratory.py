"""An organization of a test, and everything that can happen to its findings."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import TextClause, text

from services import assets, findings, organizations, scans
from services.actor import Actor, Role
from services.database import Scope
from services.findings import FindingStatus
from services.resources import Resources
from services.scanner.check import CheckResult, Severity, Verdict
from services.scanner.target import parse_target
from tests.members import Member
from tests.scanners import at
from tests.seeing import see

CHECKS = ("tls.cert.expired", "tls.protocol.tls10", "tls.protocol.no_tls13")
HOSTS = ("a.example", "b.example")
_RECOUNT = text(
    """
select check_id, severity, status, count(*) from findings
 where not is_retired group by check_id, severity, status
    """
)
_RECOUNT_BY_ASSET = text(
    """
select asset_id, severity, status, count(*) from findings
 where not is_retired and asset_id is not null group by asset_id, severity, status
    """
)
_KEPT = text(
    """
select check_id, severity, status, sum(change) from finding_counts
 group by check_id, severity, status having sum(change) <> 0
    """
)
_KEPT_BY_ASSET = text(
    """
select asset_id, severity, status, sum(change) from asset_finding_counts
 group by asset_id, severity, status having sum(change) <> 0
    """
)


@dataclass
class Laboratory:
    """Acts at random, and always as the services would."""

    resources: Resources
    member: Member
    dice: random.Random
    scan_ids: list[UUID] = field(default_factory=list[UUID])
    asset_ids: dict[str, UUID] = field(default_factory=dict[str, UUID])

    @classmethod
    async def found(cls, resources: Resources, owner: Member, seed: int) -> "Laboratory":
        """A new organization of the same person."""
        scope = Scope(user_id=owner.user_id)
        async with resources.database.transaction(scope) as work:
            view = await organizations.found_organization(work, owner.user_id, "Laboratory")
        member = Member(
            user_id=owner.user_id,
            organization_id=view.organization.id,
            email=owner.email,
            access_token="",
            refresh_token="",
        )
        return cls(resources, member, random.Random(seed))  # noqa: S311 - no secret

    @property
    def actor(self) -> Actor:
        return Actor(self.member.user_id, self.member.organization_id, Role.ADMIN)

    def operations(self) -> Sequence[Callable[[], Awaitable[None]]]:
        return (
            self.scan,
            self.scan,
            self.triage,
            self.triage,
            self.triage_many,
            self.delete_scan,
            self.delete_asset,
            self.let_time_pass,
            self.fold,
        )

    async def scan(self) -> None:
        """A scan of one host that sees some problems, and then resolves what it did not see."""
        host = self.dice.choice(HOSTS)
        results = [self._verdict(host, check) for check in CHECKS if self.dice.random() < 0.8]
        asset_id = await self._asset(host)
        scan_id = await see(self.resources, self.member, results, asset_id=asset_id, host=host)
        self.scan_ids.append(scan_id)

    def _verdict(self, host: str, check: str) -> CheckResult:
        verdict = (
            Verdict.passed("fine")
            if self.dice.random() < 0.4
            else Verdict.failed("bad", severity=self.dice.choice(list(Severity)))
        )
        return at(parse_target(host), check, verdict)

    async def _asset(self, host: str) -> UUID:
        if host not in self.asset_ids:
            async with self.resources.database.transaction(self.member.scope) as work:
                view = await assets.create_asset(
                    work,
                    self.actor,
                    self.resources.settings.address_policy(),
                    name=None,
                    target_type=None,
                    target_value=host,
                    values={},
                )
            self.asset_ids[host] = view.asset.id
        return self.asset_ids[host]

    async def triage(self) -> None:
        finding_ids = await self._finding_ids()
        if finding_ids:
            async with self.resources.database.transaction(self.member.scope) as work:
                await findings.bulk_update_findings(
                    work,
                    self.actor,
                    [self.dice.choice(finding_ids)],
                    status=self.dice.choice(list(FindingStatus)),
                )

    async def triage_many(self) -> None:
        finding_ids = await self._finding_ids()
        if finding_ids:
            async with self.resources.database.transaction(self.member.scope) as work:
                await findings.bulk_update_findings(
                    work, self.actor, finding_ids, status=self.dice.choice(list(FindingStatus))
                )

    async def delete_scan(self) -> None:
        if self.scan_ids:
            scan_id = self.scan_ids.pop(self.dice.randrange(len(self.scan_ids)))
            async with self.resources.database.transaction(self.member.scope) as work:
                await scans.delete_scan(work, self.actor, scan_id)

    async def delete_asset(self) -> None:
        if self.asset_ids:
            asset_id = self.asset_ids.pop(self.dice.choice(sorted(self.asset_ids)))
            async with self.resources.database.transaction(self.member.scope) as work:
                await assets.delete_asset(work, self.actor, asset_id)

    async def let_time_pass(self) -> None:
        """Every acceptance ends."""
        async with self.resources.database.transaction(self.member.scope) as work:
            await work.session.execute(
                text(
                    "with accepted as (select id from findings where status = 'accepted_risk'"
                    " order by fingerprint for update)"
                    " update findings set accepted_until = now() - interval '1 second'"
                    " from accepted where findings.id = accepted.id"
                )
            )
        await findings.keep_up_findings(self.resources.database)

    async def fold(self) -> None:
        await findings.fold_counts(self.resources.database)

    async def _finding_ids(self) -> list[UUID]:
        async with self.resources.database.read(self.member.scope) as session:
            rows = await session.scalars(text("select id from findings order by id"))
            return list(rows)

    async def counted(self) -> tuple[set[object], set[object]]:
        """What the rows say."""
        return await self._read(_RECOUNT), await self._read(_RECOUNT_BY_ASSET)

    async def maintained(self) -> tuple[set[object], set[object]]:
        """What the counts say."""
        return await self._read(_KEPT), await self._read(_KEPT_BY_ASSET)

    async def _read(self, statement: TextClause) -> set[object]:
        async with self.resources.database.read(self.member.scope) as session:
            rows = await session.execute(statement)
            return {(*row[:3], int(row[3])) for row in rows}
