"""What a sample is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """Facts for the three outcomes of one check."""

    passed: Any  # Any: each check has facts of its own type, and says so itself
    failed: Any  # as above
    unseen: Any = None  # as above
    """None: the check can judge all facts, and is not evaluated only where there are none."""


Samples = Mapping[str, Sample]
