"""The servers of ``make up`` and ``make test``: PostgreSQL and Redis as our own child processes.

The PostgreSQL binaries come out of a wheel, Redis out of another or from the PATH. Nothing listens
on the network (the in-memory stand-in for Redis excepted: loopback), and everything lives in one
data directory. This is the only room that knows of them; everybody else gets two addresses.
"""

from services.embedded.binaries import postgres_tools
from services.embedded.data_directory import DataDirectory, default_data_dir, write_private
from services.embedded.errors import AlreadyRunning, EmbeddedError, StopRequested
from services.embedded.servers import EmbeddedServers, temporary_servers
from services.embedded.supervisor import Child, Output, Report, Supervisor

__all__ = [
    "AlreadyRunning",
    "Child",
    "DataDirectory",
    "EmbeddedError",
    "EmbeddedServers",
    "Output",
    "Report",
    "StopRequested",
    "Supervisor",
    "default_data_dir",
    "postgres_tools",
    "temporary_servers",
    "write_private",
]
