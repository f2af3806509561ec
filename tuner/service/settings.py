"""What a service is started with."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from tuner.api.submission import Catalogue
from tuner.core.errors import InvalidRequest, check_at_least_one
from tuner.service.rendering import Command, no_command
from tuner.storage import maintenance

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
MAX_PORT = 65_535
MAX_WORKERS = 100_000
_ROOT = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})")


@dataclass(frozen=True, slots=True)
class Quota:
    """What one user of a service may have at a time; None is no limit.

    Attributes:
        workers: Workers of the user's runs together.
        running: Runs with a driver.
        queued: Runs that wait, are paused or have a driver.

    Raises:
        InvalidRequest: A value is below 1.
    """

    workers: int | None = None
    running: int | None = None
    queued: int | None = None

    def __post_init__(self) -> None:
        for name in ("workers", "running", "queued"):
            check_at_least_one(f"max_{name}", getattr(self, name))


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What a service is started with.

    Attributes:
        database: URL or file of the database.
        host: Address of the interface to listen on. Default: loopback.
        port: TCP port; 0 takes a free one. Default: 8080.
        root_path: Path under which a proxy offers the service, such as "/tune". Default: "".
        public_hosts: Names by which a proxy that terminates TLS is reached. Requests with another Host are refused,
            so that a web page elsewhere cannot reach the service by a name of its own (DNS rebinding). Default: none.
        workers: Workers that the drivers may use together; 0 starts no driver. Default: 0.
        address: "HOST:PORT" of a Ray cluster, which the drivers join. Default: each has a Ray of its own here.
        cpus_per_candidate: Cores of a worker. Default: 1.
        gpus_per_candidate: GPUs of a worker, or a share of one. Default: 0.
        catalogue: Names of tasks, optimizers and strategies that requests may use. Default: what ships.
        quota: What one user may have. Default: no limits.
        repeat_command: Returns the command that repeats a run, which reports show. Default: none is shown.

    Raises:
        InvalidRequest: A value is not accepted, or the interface is not loopback and there is no proxy.
    """

    database: str
    host: str = "127.0.0.1"
    port: int = 8080
    root_path: str = ""
    public_hosts: tuple[str, ...] = ()
    workers: int = 0
    address: str | None = None
    cpus_per_candidate: int = 1
    gpus_per_candidate: float = 0.0
    catalogue: Catalogue = field(default_factory=Catalogue.of)
    quota: Quota = Quota()
    repeat_command: Command = no_command

    def __post_init__(self) -> None:
        if not 0 <= self.port <= MAX_PORT:
            raise InvalidRequest("port", f"is a number from 0 to {MAX_PORT}", self.port)
        if not 0 <= self.workers <= MAX_WORKERS:
            raise InvalidRequest("workers", f"is a number from 0 to {MAX_WORKERS}", self.workers)
        if self.cpus_per_candidate < 1:
            raise InvalidRequest("cpus_per_candidate", "is at least 1", self.cpus_per_candidate)
        if maintenance.is_in_memory(self.database) and self.workers:
            raise InvalidRequest("database", ": one in memory cannot be shared with the processes that train")
        if not 0 <= self.gpus_per_candidate <= MAX_WORKERS:
            raise InvalidRequest("gpus_per_candidate", f"is a number from 0 to {MAX_WORKERS}", self.gpus_per_candidate)
        if not _ROOT.fullmatch(self.root_path):
            raise InvalidRequest("root_path", 'is a path such as "/tune", without a slash at its end', self.root_path)
        for name in self.public_hosts:
            if not _HOST.fullmatch(name):
                raise InvalidRequest("behind_proxy", "is a name of a host, such as tune.example.org", name)
        if not self.public_hosts and not _is_loopback(self.host):
            raise InvalidRequest(
                "host",
                ": an interface that other machines reach needs {behind_proxy}, the name of a proxy that terminates"
                " TLS: tokens must not travel in plain text",
                self.host,
            )

    @property
    def accepted_hosts(self) -> frozenset[str]:
        """Names, in lower case and without ports, that the Host of a request may have."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return frozenset(name.lower() for name in (*LOOPBACK_NAMES, own, *self.public_hosts))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise InvalidRequest("host", "is an IP address of this machine, or localhost", host) from None
