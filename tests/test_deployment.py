"""The containers: no published database, no default password, no rights to spare."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PRODUCT = ("migrate", "web", "worker", "stream")


def test_database_and_cache_publish_no_port():
    published = {name for name, service in SERVICES.items() if "ports" in service}

    assert published == {"web"}
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


def test_no_password_stands_in_the_file():
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if any(word in variable for word in ("PASSWORD", "KEY", "SECRET", "DATABASE_URL")):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert str(value).startswith("/run/secrets/"), f"{name}: {variable}"


@pytest.mark.parametrize("name", PRODUCT)
def test_the_product_runs_without_rights_on_a_read_only_file_system(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_everything_that_stays_up_has_a_health_check():
    for name, service in SERVICES.items():
        if service.get("restart") != "no":
            assert "healthcheck" in service, name


def test_the_image_does_not_run_as_root():
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]

    assert users
    assert users[-1] not in ("root", "0")
