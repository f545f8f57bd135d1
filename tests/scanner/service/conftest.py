"""The context of the port scan's tests: loopback, short times."""

from tests.scanner.net.conftest import context, options, policy

__all__ = ["context", "options", "policy"]
