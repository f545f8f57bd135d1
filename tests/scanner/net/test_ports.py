"""The port lists, and which of them a profile uses."""

import pytest

from services.scanner.net.ports import WEB_PORTS, parse_ports, ports_of, read_ports
from services.scanner.profile import Features, Profile, ScanType

_REQUIRED = (
    *(22, 25, 53, 80, 443, 465, 587, 993, 995, 3306, 3389, 5432, 6379),
    *(8000, 8080, 8443, 8888, 9200, 27017),
)
_PRINTERS = range(9100, 9108)


def test_the_quick_list_holds_what_matters_most() -> None:
    assert set(_REQUIRED) <= set(read_ports("quick"))


def test_the_full_list_holds_the_quick_one() -> None:
    assert set(read_ports("quick")) < set(read_ports("full"))


def test_no_list_makes_printers_print() -> None:
    assert not set(_PRINTERS) & set(read_ports("full"))


def test_comments_and_blank_lines_are_no_ports() -> None:
    assert list(parse_ports("# all\n\n80 443 # web\n")) == [80, 443]


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "80,443", "²"])
def test_a_bad_line_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        list(parse_ports(f"22\n{text}\n"))


def test_a_profile_chooses_its_list() -> None:
    no_ports = Features(port_scan=False)

    assert ports_of(Profile(ScanType.QUICK)) == read_ports("quick")
    assert ports_of(Profile(ScanType.FULL)) == read_ports("full")
    assert ports_of(Profile(ScanType.CUSTOM, no_ports)) == WEB_PORTS
    assert not ports_of(Profile(ScanType.CUSTOM, Features(port_scan=False, web_checks=False)))
