"""Every refusal of a service has a status at the REST door."""

from gateway.errors import STATUS
from services.errors import ServiceError


def test_every_service_error_has_a_status() -> None:
    assert set(STATUS) == set(ServiceError.__subclasses__())
