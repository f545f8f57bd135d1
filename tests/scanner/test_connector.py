"""Every connection is vetted, budgeted and closed; the budget is one per address."""

import asyncio
import time
from ipaddress import ip_address, ip_network

import pytest

from services.scanner.address import AddressPolicy, AddressRefused
from services.scanner.connector import MOST_REFUSALS, Connector, NotLetIn, Pace
from tests.scanner.net.listeners import hangs_up, listening, open_port, port_of, was_connected_to

LOCALHOST = ip_address("127.0.0.1")
_LOOPBACK = AddressPolicy((ip_network("127.0.0.0/8"),))


def _connector(
    connections: int = 4, per_second: float = 1000.0, back_off_s: float = 2.0
) -> Connector:
    return Connector(
        _LOOPBACK,
        connections_per_address=connections,
        connections_per_second=per_second,
        back_off_s=back_off_s,
    )


async def test_a_refused_address_gets_no_packet() -> None:
    """SSRF-1."""
    connector = Connector(AddressPolicy(), connections_per_address=1, connections_per_second=10)
    with open_port() as server:
        with pytest.raises(AddressRefused):
            async with connector.open(LOCALHOST, port_of(server), timeout_s=1):
                pytest.fail("a refused address was connected to")
        assert not was_connected_to(server)


async def test_no_more_connections_at_once_than_the_budget_has() -> None:
    connector = _connector(connections=3)
    at_once: list[int] = []
    now = 0

    async def visit(port: int) -> None:
        nonlocal now
        async with connector.open(LOCALHOST, port, timeout_s=1):
            now += 1
            at_once.append(now)
            await asyncio.sleep(0.01)
            now -= 1

    with open_port() as server:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(12):
                tasks.create_task(visit(port_of(server)))

    assert len(at_once) == 12
    assert max(at_once) == 3


async def test_connections_to_one_address_keep_their_distance_and_others_do_not_wait() -> None:
    connector = _connector(per_second=5.0)

    async def visit(host: str, port: int) -> None:
        async with connector.open(ip_address(host), port, timeout_s=5):
            pass

    budget = connector.budget(LOCALHOST)  # held: it lives as long as somebody holds it
    started_s = time.monotonic()
    with open_port("0.0.0.0") as server:
        async with asyncio.TaskGroup() as tasks:
            for number in range(1, 21):
                tasks.create_task(visit(f"127.0.2.{number}", port_of(server)))
        others_s = time.monotonic() - started_s
        for _ in range(5):
            await visit("127.0.0.1", port_of(server))
    took_s = time.monotonic() - started_s - others_s

    assert others_s < 19 * 0.2
    assert took_s > 4 * 0.2
    assert budget.connections_opened == 5


async def test_connections_at_one_pace_keep_their_distance_whatever_their_address() -> None:
    connector = _connector()
    paced, other = connector.at(Pace(5.0)), connector.at(Pace(5.0))

    async def visit(by: Connector, number: int, port: int) -> None:
        async with by.open(ip_address(f"127.0.3.{number}"), port, timeout_s=5):
            pass

    started_s = time.monotonic()
    with open_port("0.0.0.0") as server:
        async with asyncio.TaskGroup() as tasks:
            for number in range(1, 6):
                tasks.create_task(visit(paced, number, port_of(server)))
            await visit(other, 6, port_of(server))
            other_s = time.monotonic() - started_s
    took_s = time.monotonic() - started_s

    assert took_s > 4 * 0.2
    assert other_s < took_s
    assert paced.budget(LOCALHOST) is other.budget(LOCALHOST)


async def test_a_server_that_cuts_us_off_three_times_is_left_in_peace() -> None:
    connector = _connector(back_off_s=60)
    budget = connector.budget(LOCALHOST)
    for _ in range(3):
        budget.note_refusal()

    with open_port() as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                async with connector.open(LOCALHOST, port_of(server), timeout_s=1):
                    pytest.fail("the connection came too soon")
        assert not was_connected_to(server)


async def test_a_server_that_never_lets_us_in_is_asked_nothing_more() -> None:
    connector = _connector()
    budget = connector.budget(LOCALHOST)
    for _ in range(MOST_REFUSALS):
        budget.note_refusal()

    with open_port() as server:
        with pytest.raises(NotLetIn, match="asked nothing more"):
            async with connector.open(LOCALHOST, port_of(server), timeout_s=1):
                pytest.fail("the server was asked again")
        assert not was_connected_to(server)


async def test_three_refused_connections_in_a_row_are_a_reason_to_wait() -> None:
    connector = _connector(back_off_s=60)
    budget = connector.budget(LOCALHOST)  # held: it lives as long as somebody holds it
    with open_port() as server:
        closed = port_of(server)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            async with connector.open(LOCALHOST, closed, timeout_s=1):
                pytest.fail("a closed port let us in")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), connector.open(LOCALHOST, closed, timeout_s=1):
            pytest.fail("a closed port let us in")
    assert budget.connections_opened == 3


async def test_a_slow_first_handshake_spreads_the_next_connections() -> None:
    connector = _connector(connections=2)
    budget = connector.budget(LOCALHOST)
    budget.pace_by(0.4)
    budget.pace_by(60.0)  # only the first counts

    async def visit(port: int) -> None:
        async with connector.open(LOCALHOST, port, timeout_s=1):
            pass

    started_s = time.monotonic()
    with open_port() as server:
        for _ in range(3):
            await visit(port_of(server))

    assert 2 * 0.2 <= time.monotonic() - started_s < 30


async def test_an_answer_in_between_forgives_resets() -> None:
    connector = _connector(back_off_s=60)
    budget = connector.budget(LOCALHOST)
    for _ in range(2 * MOST_REFUSALS):
        budget.note_refusal()
        budget.note_answer()

    with open_port() as server:
        async with (
            asyncio.timeout(30),
            connector.open(LOCALHOST, port_of(server), timeout_s=1),
        ):
            pass


async def test_a_connection_is_closed_whatever_happens_inside() -> None:
    connector = _connector(connections=1)
    async with listening(hangs_up) as server:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with connector.open(LOCALHOST, server.port, timeout_s=1) as (reader, _):
                    await reader.read()
                    raise ZeroDivisionError

    assert server.connections == 3  # with one place only: each gave it back
