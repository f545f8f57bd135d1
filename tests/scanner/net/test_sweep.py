"""The port sweep against real sockets."""

import asyncio
import resource
import socket
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from services.scanner.address import Address, AddressPolicy, AddressRefused
from services.scanner.context import ProbeOptions
from services.scanner.net.facts import PortState
from services.scanner.net.probe import PortSweeper
from tests.scanner.net.conftest import LOOPBACK
from tests.scanner.net.listeners import (
    free_port,
    open_port,
    port_of,
    silent_port,
    was_connected_to,
)

LOCALHOST = ip_address("127.0.0.1")


def _sweep_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "port-sweep"]


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _is_cut_off(sweeper: PortSweeper, address: Address, port: int) -> None:
    """Sweep for a tenth of a second of the port's 400 ms."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await sweeper.sweep(address, [port])


@contextmanager
def _soft_file_limit(files: int) -> Generator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_sweep_tells_open_from_closed_ports(sweeper: PortSweeper) -> None:
    closed = free_port()
    with open_port() as server:
        facts = await sweeper.sweep(LOCALHOST, [closed, port_of(server)])
        assert facts.open_ports == (port_of(server),)

    assert facts.closed_ports == (closed,)
    assert facts.is_alive


async def test_a_port_that_drops_is_silent_and_not_closed(sweeper: PortSweeper) -> None:
    closed = free_port()
    with silent_port() as silent:
        facts = await sweeper.sweep(LOCALHOST, [closed, silent])

    assert facts.states == {closed: PortState.CLOSED, silent: PortState.SILENT}


async def test_a_host_that_drops_everything_is_not_asked_twice(sweeper: PortSweeper) -> None:
    with silent_port() as first, silent_port() as second:
        facts = await sweeper.sweep(LOCALHOST, [first, second])

    assert not facts.is_alive
    assert facts.elapsed_ms < 800  # one round of 400 ms, not two


async def test_a_silent_port_of_a_living_host_gets_a_second_chance(
    policy: AddressPolicy, options: ProbeOptions
) -> None:
    patient = PortSweeper(policy, replace(options, port_timeout_s=0.8))
    with ExitStack() as stack:
        server = stack.enter_context(closing(socket.socket()))
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port: int = server.getsockname()[1]
        fillers = [stack.enter_context(closing(socket.socket())) for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(("127.0.0.1", port))
        async with asyncio.TaskGroup() as tasks:
            sweep = tasks.create_task(patient.sweep(LOCALHOST, [free_port(), port]))
            # The first SYN is dropped; its repetition by the kernel comes after a second, too late.
            await asyncio.sleep(0.4)
            for filler in fillers:
                filler.close()
            for _ in range(2):
                server.accept()[0].close()

    assert sweep.result().open_ports == (port,)


async def test_ipv6_is_swept_like_ipv4(sweeper: PortSweeper) -> None:
    closed = free_port("::1")
    with open_port("::1") as server:
        facts = await sweeper.sweep(ip_address("::1"), [port_of(server), closed])
        assert facts.states == {port_of(server): PortState.OPEN, closed: PortState.CLOSED}


async def test_an_address_without_a_route_is_unreachable(options: ProbeOptions) -> None:
    # TCP has no broadcasts: the kernel refuses at once.
    sweeper = PortSweeper(AddressPolicy((ip_network("255.255.255.255/32"),)), options)

    facts = await sweeper.sweep(ip_address("255.255.255.255"), [80])

    assert facts.states == {80: PortState.UNREACHABLE}
    assert not facts.is_alive


async def test_a_refused_address_is_never_connected_to(options: ProbeOptions) -> None:
    """SSRF-1: the sweep asks the same policy as every other probe."""
    sweeper = PortSweeper(AddressPolicy(), options)
    with open_port() as server:
        with pytest.raises(AddressRefused):
            await sweeper.sweep(ip_address("::ffff:127.0.0.1"), [port_of(server)])
        assert not was_connected_to(server)


async def test_the_platforms_own_ports_are_left_out(options: ProbeOptions) -> None:
    """SSRF-2: whatever networks are allowed."""
    with open_port() as own, open_port() as other:
        policy = AddressPolicy(LOOPBACK, ((ip_network(f"{LOCALHOST}/32"), port_of(own)),))
        ports = [port_of(own), port_of(other)]
        facts = await PortSweeper(policy, options).sweep(LOCALHOST, ports)
        assert tuple(facts.states) == (port_of(other),)
        assert was_connected_to(other)
        assert not was_connected_to(own)


async def test_a_cancelled_sweep_leaves_no_thread_and_no_socket(sweeper: PortSweeper) -> None:
    """Neither waits for the time-out of the port."""
    before = _open_files()
    with silent_port() as silent:
        held = _open_files()
        await _is_cut_off(sweeper, LOCALHOST, silent)
        assert _sweep_threads() == []
        assert _open_files() == held
    assert _open_files() == before


async def test_cancelling_one_sweep_leaves_the_others_alone(sweeper: PortSweeper) -> None:
    with silent_port("127.0.0.2") as silent, silent_port("127.0.0.3") as other:
        async with asyncio.TaskGroup() as tasks:
            goes_on = tasks.create_task(sweeper.sweep(ip_address("127.0.0.3"), [other]))
            await _is_cut_off(sweeper, ip_address("127.0.0.2"), silent)
            assert not goes_on.done()

    assert goes_on.result().states == {other: PortState.SILENT}
    assert _sweep_threads() == []


async def test_a_sweep_that_waits_behind_another_can_be_cancelled(sweeper: PortSweeper) -> None:
    with silent_port() as silent:
        async with asyncio.TaskGroup() as tasks:
            ahead = tasks.create_task(sweeper.sweep(LOCALHOST, [silent]))
            await _is_cut_off(sweeper, LOCALHOST, silent)
            assert not ahead.done()

    assert ahead.result().states == {silent: PortState.SILENT}


async def test_two_sweeps_of_one_address_take_turns(sweeper: PortSweeper) -> None:
    with open_port() as server:
        port = port_of(server)
        async with asyncio.TaskGroup() as tasks:
            sweeps = [tasks.create_task(sweeper.sweep(LOCALHOST, [port])) for _ in range(5)]

    assert [sweep.result().open_ports for sweep in sweeps] == [(port,)] * 5


async def test_running_out_of_sockets_delays_a_sweep_and_falsifies_nothing(
    policy: AddressPolicy, options: ProbeOptions
) -> None:
    sweeper = PortSweeper(policy, options)
    with open_port("0.0.0.0") as server:
        ports = [port_of(server), *(free_port() for _ in range(20))]
        hosts = [ip_address(f"127.0.0.{n}") for n in range(1, 9)]
        with _soft_file_limit(_open_files() + 4):  # the loop's own need three
            async with asyncio.TaskGroup() as tasks:
                sweeps = [tasks.create_task(sweeper.sweep(host, ports)) for host in hosts]

    for sweep in sweeps:
        assert sweep.result().open_ports == (ports[0],)
        assert set(sweep.result().closed_ports) == set(ports[1:])


async def test_the_sockets_of_all_sweeps_together_are_bounded(
    policy: AddressPolicy, options: ProbeOptions
) -> None:
    sweeper = PortSweeper(policy, replace(options, ports_in_flight=2))
    with silent_port() as one, silent_port() as two, silent_port() as three:
        started_s = time.monotonic()
        facts = await sweeper.sweep(LOCALHOST, [one, two, three])
        took_s = time.monotonic() - started_s

    assert set(facts.states.values()) == {PortState.SILENT}
    assert took_s > 2 * options.port_timeout_s  # the third waited for a place


async def test_no_address_is_asked_faster_than_a_thousand_times_a_second(
    sweeper: PortSweeper,
) -> None:
    facts = await sweeper.sweep(ip_address("127.0.0.9"), range(20_000, 20_200))

    assert len(facts.states) == 200
    assert facts.elapsed_ms >= 180


async def test_a_sweep_without_ports_ends_at_once(sweeper: PortSweeper) -> None:
    assert (await sweeper.sweep(LOCALHOST, [])).states == {}
    assert _sweep_threads() == []


async def test_a_whole_network_is_swept_within_seconds(sweeper: PortSweeper) -> None:
    """25,600 closed ports; the measured time is about a second on an idle core."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        sweeps = [
            tasks.create_task(sweeper.sweep(address, range(20_000, 20_100)))
            for address in ip_network("127.20.0.0/24")
        ]

    assert sum(len(sweep.result().closed_ports) for sweep in sweeps) == 25_600
    assert _sweep_threads() == []
