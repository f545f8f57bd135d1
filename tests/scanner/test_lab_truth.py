"""A part of the lab of good and bad servers: what must be found is found, and no trap falls.

``make lab`` measures all of it.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.lab.ground import ROOMS
from tests.lab.lab import Lab
from tests.lab.measure import run
from tests.lab.truth import Case

_SLOW = frozenset({"tls", "hosts"})
"""Rooms with servers that let a scanner wait on purpose."""


def _one_for_each_check(cases: Sequence[Case]) -> Sequence[Case]:
    """Cases that show a check nobody before them shows, and the one with the most traps."""
    shown: set[str] = set()
    chosen: list[Case] = [max(cases, key=lambda case: len(case.traps))]
    for case in cases:
        if not case.must <= shown:
            chosen.append(case)
            shown |= case.must
    return list({case.name: case for case in chosen}.values())


@pytest.fixture(autouse=True)
def _low_ports(tmp_path: Path) -> None:
    try:
        with Lab(tmp_path):
            pass
    except PermissionError:
        pytest.skip("the lab needs a user who may open ports below 1024")


def test_a_part_of_the_lab_is_judged_rightly(tmp_path: Path) -> None:
    rooms = {name: room for name, room in ROOMS.items() if name not in _SLOW}

    cases, result = run(tmp_path, rooms, _one_for_each_check)

    assert len(cases) > 60
    assert result.misses == []
    assert result.false_hits == []
    assert result.fallen_traps == []
    assert len(result.shown) > 90
