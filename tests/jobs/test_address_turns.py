"""An address is probed by one scan at a time, across organizations, and nobody waits for ever."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from uuid import UUID

from httpx2 import AsyncClient
from sqlalchemy import text

from services.database import Scope
from services.resources import Resources
from services.scanner.profile import Profile
from services.scanner.result import Known, TargetResult
from services.scanner.target import Target
from services.scans import (
    UNLIMITED,
    ScanRequest,
    Worker,
    create_scan,
    plan_next_scan,
    run_next_batch,
)
from services.scans.leases import Lease, claim_batch, extend_lease
from services.scans.turns import end_turns, take_turn
from tests.members import Member
from tests.scanners import StubScanner

SHARED = "192.0.2.7"


class Held(StubScanner):
    """Stays at a target until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_there = asyncio.Event()
        self.go_on = asyncio.Event()

    async def scan(
        self, target: Target, profile: Profile, known: Collection[Known] = ()
    ) -> TargetResult:
        self.is_there.set()
        await self.go_on.wait()
        return await super().scan(target, profile, known)


async def _scan_of(
    client: AsyncClient, resources: Resources, member: Member, *targets: str
) -> UUID:
    ids: list[UUID] = []
    for target in targets:
        created = await client.post(
            "/api/v1/assets", json={"target_value": target}, headers=member.headers
        )
        ids.append(UUID(created.json()["id"]))
    async with resources.database.transaction(member.scope) as work:
        scan = await create_scan(work, member.actor, ScanRequest(asset_ids=ids), UNLIMITED)
    await plan_next_scan(resources.database, member.organization_id, batch_size=16, quota=UNLIMITED)
    return scan.id


async def _read(resources: Resources, member: Member, statement: str) -> list[object]:
    async with resources.database.read(member.scope) as session:
        return list(await session.scalars(text(statement)))


def _worker(resources: Resources, scanner: StubScanner, lease_s: float = 30.0) -> Worker:
    return Worker(resources.database, scanner, name=str(id(scanner)), lease_s=lease_s)


async def test_the_later_scan_waits_says_so_and_goes_on_with_its_other_targets(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    await _scan_of(client, resources, admin, SHARED)
    first, second = Held(), StubScanner()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(run_next_batch(_worker(resources, first)))
        await first.is_there.wait()
        later = await _scan_of(client, resources, stranger, SHARED, "192.0.2.8", "192.0.2.9")
        group.create_task(run_next_batch(_worker(resources, second)))
        while await _read(resources, stranger, "select waits_for from scans") != ["address"]:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)
        said = await client.get(f"/api/v1/scans/{later}", headers=stranger.headers)
        before = list(second.seen)
        first.go_on.set()

    assert (said.json()["status"], said.json()["waits_for"]) == ("running", "address")
    assert sorted(before) == ["192.0.2.8", "192.0.2.9"]
    assert sorted(second.seen) == [SHARED, "192.0.2.8", "192.0.2.9"]
    assert await _read(resources, stranger, "select waits_for from scans") == [None]
    for member in (admin, stranger):
        assert await _read(resources, member, "select address from address_turns") == []


async def test_targets_of_one_scan_share_an_address(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """Many names at one address are common; the budget of the address holds them back."""
    await _scan_of(client, resources, admin, "a.example.org", "b.example.org")
    together = asyncio.Barrier(2)

    class Together(StubScanner):
        async def scan(
            self, target: Target, profile: Profile, known: Collection[Known] = ()
        ) -> TargetResult:
            await together.wait()
            return await super().scan(target, profile, known)

    async def locate(_target: Target) -> Sequence[str]:
        return (SHARED,)

    async with asyncio.timeout(20):
        await run_next_batch(Worker(resources.database, Together(), name="one", locate=locate))

    assert len(await _read(resources, admin, "select id from scan_results")) == 2


async def test_a_cancelled_scan_frees_its_addresses_at_once(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    scan_id = await _scan_of(client, resources, admin, SHARED)
    first, second = Held(), StubScanner()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(run_next_batch(_worker(resources, first, lease_s=600)))
        await first.is_there.wait()
        await _scan_of(client, resources, stranger, SHARED)
        group.create_task(run_next_batch(_worker(resources, second)))
        await client.post(f"/api/v1/scans/{scan_id}/cancel", headers=admin.headers)

    assert second.seen == [SHARED]


async def test_the_turn_of_a_dead_worker_ends_with_its_lease(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    await _scan_of(client, resources, admin, SHARED)
    first, second = Held(), StubScanner()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run_next_batch(_worker(resources, first)))
        await first.is_there.wait()
        turns = await _read(resources, admin, "select address from address_turns")
        running.cancel()
    # Cancelled, it handed everything back; one that was killed leaves all as it was.
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text(
                "update scan_batches set status = 'running',"
                " lease_until = now() - interval '1 minute'"
            )
        )
        await work.session.execute(
            text(
                "insert into address_turns (organization_id, batch_id, attempt, scan_target_id,"
                " address) select t.organization_id, t.batch_id, b.attempt, t.id, t.target_value"
                " from scan_targets t join scan_batches b on b.id = t.batch_id"
            )
        )
    await _scan_of(client, resources, stranger, SHARED)
    await run_next_batch(_worker(resources, second))

    assert turns == [SHARED]
    assert second.seen == [SHARED]


async def test_a_lease_that_lapsed_is_lost_once_another_scan_is_at_its_address(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    """As after an outage: until then, whoever held it goes on."""
    mine = await _hold(client, resources, admin)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text("update scan_batches set lease_until = now() - interval '1 minute'")
        )
    theirs = await _hold(client, resources, stranger)

    extended = [await _extend(resources, lease) for lease in (mine, theirs)]
    await _end(resources, theirs)

    assert extended == [False, True]
    assert await _extend(resources, mine)


async def _hold(client: AsyncClient, resources: Resources, member: Member) -> Lease:
    """The lease of a new scan's batch, and the turn at the shared address."""
    await _scan_of(client, resources, member, SHARED)
    async with resources.database.transaction(_sweeping(member.organization_id)) as work:
        row = await work.session.execute(
            text("select id, batch_id from scan_targets where organization_id = :id"),
            {"id": member.organization_id},
        )
        target_id, batch_id = row.one()
        lease = await claim_batch(
            work.session, member.organization_id, batch_id, owner="somebody", lease_s=600
        )
        assert lease is not None
        assert await take_turn(work.session, lease, target_id, [SHARED])
    return lease


async def _extend(resources: Resources, lease: Lease) -> bool:
    async with resources.database.transaction(_sweeping(lease.organization_id)) as work:
        return await extend_lease(work.session, lease, lease_s=600)


async def _end(resources: Resources, lease: Lease) -> None:
    async with resources.database.transaction(_sweeping(lease.organization_id)) as work:
        await end_turns(work.session, lease)


def _sweeping(organization_id: UUID) -> Scope:
    return Scope(organization_id=organization_id, is_sweep=True)


async def test_scans_that_cross_at_several_addresses_all_end(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    """Each name stands for all of the addresses, in another order."""
    names = [f"{letter}.example.org" for letter in "abcd"]
    addresses = [f"192.0.2.{n}" for n in range(4)]
    at = Counter[str]()
    most = Counter[str]()

    async def locate(target: Target) -> Sequence[str]:
        turn = names.index(target.value)
        return addresses[turn:] + addresses[:turn]

    class Counting(StubScanner):
        def __init__(self, who: str) -> None:
            super().__init__()
            self.who = who

        async def scan(
            self, target: Target, profile: Profile, known: Collection[Known] = ()
        ) -> TargetResult:
            at[self.who] += 1
            assert len(+at) == 1, "two scans at one address"
            most[self.who] = max(most[self.who], at[self.who])
            await asyncio.sleep(0.01)
            at[self.who] -= 1
            return await super().scan(target, profile, known)

    for member in (admin, stranger):
        await _scan_of(client, resources, member, *names)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for who in ("one", "two"):
            group.create_task(
                run_next_batch(Worker(resources.database, Counting(who), name=who, locate=locate))
            )

    for member in (admin, stranger):
        assert len(await _read(resources, member, "select id from scan_results")) == 4


async def test_an_organization_cannot_read_who_else_is_at_an_address(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    await _scan_of(client, resources, admin, SHARED)
    first = Held()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_next_batch(_worker(resources, first)))
        await first.is_there.wait()
        async with resources.database.read(Scope(is_sweep=True)) as session:
            of_all = await session.scalar(text("select count(*) from address_turns"))
        of_stranger = await _read(resources, stranger, "select address from address_turns")
        first.go_on.set()

    assert (of_all, of_stranger) == (1, [])
