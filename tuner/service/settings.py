"""What a service is started with."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from tuner.core.errors import InvalidRequest

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
MAX_PORT = 65_535
_ROOT = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What a service is started with.

    Attributes:
        database: URL or file of the database, which is only read.
        host: Address of the interface to listen on. Default: loopback.
        port: TCP port; 0 takes a free one. Default: 8080.
        root_path: Path under which a proxy offers the service, such as "/tune". Default: "".
        public_hosts: Names by which a proxy that terminates TLS is reached. Requests with another Host are refused,
            so that a web page elsewhere cannot reach the service by a name of its own (DNS rebinding). Default: none.

    Raises:
        InvalidRequest: A value is not accepted, or the interface is not loopback and there is no proxy.
    """

    database: str
    host: str = "127.0.0.1"
    port: int = 8080
    root_path: str = ""
    public_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.port <= MAX_PORT:
            raise InvalidRequest("port", f"is a number from 0 to {MAX_PORT}", self.port)
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
