"""The catalogue: what every check must say about itself."""

import json
from importlib.resources import files

from services.scanner.check import catalogue_entries
from services.scanner.cvss import base_score
from services.scanner.engine import CATALOGUE


def test_every_implemented_check_has_a_rationale_a_remedy_and_a_source() -> None:
    for info in CATALOGUE.values():
        assert info.rationale.endswith("."), info.id
        assert info.remediation.endswith("."), info.id
        assert info.sources, info.id


def test_no_id_stands_twice_in_the_catalogue() -> None:
    text = files("services.scanner").joinpath("catalogue.json").read_text(encoding="utf-8")

    assert len(json.loads(text)) == len(catalogue_entries()) == 165


def test_every_vector_of_the_catalogue_has_a_score() -> None:
    for entry in catalogue_entries().values():
        if entry["cvss"]:
            assert 0.0 < base_score(entry["cvss"]) <= 10.0, entry["id"]
