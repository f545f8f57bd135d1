"""What an operator deploys: Compose, Kubernetes and systemd files fit schemas and settings."""

import configparser
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from services.settings import Settings
from tests.documents.blocks import ROOT

_DEPLOY = ROOT / "docs/deploy"
_KUBERNETES = "1.33"
_COMMANDS = {"serve", "worker", "migrate"}


def _compose() -> dict[str, Any]:  # Any: YAML
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.caddy.yml"])
def test_compose_files_fit_the_compose_specification(name: str) -> None:
    checker = str(Path(sys.executable).with_name("check-jsonschema"))
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", str(ROOT / name)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_compose_hands_on_settings_that_there_are() -> None:
    known = {f"NIS2_{name.upper()}" for name in Settings.model_fields}
    for name, service in _compose()["services"].items():
        given = {key for key in service.get("environment", {}) if key.startswith("NIS2_")}
        assert given <= known, f"{name}: {given - known}"


def test_every_compose_service_is_bounded_and_watched() -> None:
    for name, service in _compose()["services"].items():
        assert service["deploy"]["resources"]["limits"]["memory"] if name != "migrate" else True
        assert "healthcheck" in service or name == "migrate", name


def test_no_secret_stands_in_the_compose_file() -> None:
    compose = _compose()
    used = {secret for service in compose["services"].values() for secret in service["secrets"]}
    assert used == set(compose["secrets"])


def test_the_secrets_script_writes_each_once(tmp_path: Path) -> None:
    script = _DEPLOY / "compose/make-secrets.sh"
    subprocess.run(["sh", str(script)], cwd=tmp_path, check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    subprocess.run(["sh", str(script)], cwd=tmp_path, check=True)
    again = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert again == made
    assert set(made) == set(_compose()["secrets"])
    assert len(made["secret_key"]) >= 64
    assert made["postgres_password"] in made["migration_database_url"]
    assert made["redis_password"] in made["redis_url"]
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def _manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((_DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if document["kind"] != "Kustomization":
                yield f"{path.name} {document['kind']}", document


def test_kubernetes_manifests_fit_their_schemas() -> None:
    kinds: set[str] = set()
    for _, document in _manifests():
        kubernetes_validate.validate(document, _KUBERNETES, strict=True)
        kinds.add(document["kind"])
    assert kinds >= {"Deployment", "Job", "HorizontalPodAutoscaler", "PodDisruptionBudget"}


def test_kustomize_names_every_file_and_the_version_of_the_project() -> None:
    kustomization = yaml.safe_load((_DEPLOY / "kubernetes/kustomization.yaml").read_text())
    files = {path.name for path in (_DEPLOY / "kubernetes").glob("*.yaml")}
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert set(kustomization["resources"]) == files - {"kustomization.yaml"}
    assert version is not None
    assert kustomization["images"][0]["newTag"] == version[1]


def test_pods_run_our_commands_and_nothing_more_than_they_need() -> None:
    seen: set[str] = set()
    for where, document in _manifests():
        pod = document.get("spec", {}).get("template", {}).get("spec")
        if pod is None:
            continue
        assert pod["securityContext"]["runAsNonRoot"], where
        for container in pod["containers"]:
            seen |= set(container["args"])
            assert container["securityContext"]["readOnlyRootFilesystem"], where
            assert container["resources"]["limits"]["memory"], where
    assert seen == _COMMANDS


def test_systemd_units_run_our_commands() -> None:
    commands: set[str] = set()
    for path in (_DEPLOY / "systemd").glob("*.service"):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str  # pyright: ignore[reportAttributeAccessIssue] - names keep their case
        unit.read_string(path.read_text(encoding="utf-8"))
        start = unit["Service"]["ExecStart"]
        assert "/opt/nis2/.venv/bin/nis2 " in start
        commands.add(start.partition("bin/nis2 ")[2].split()[0])
        assert unit["Service"]["User"] == "nis2"
    assert commands == {*_COMMANDS, "backup"}


def test_the_image_copies_only_what_the_builder_may_see() -> None:
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        name
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    }
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
