"""What a command is going to do to the services that end client TLS."""

from __future__ import annotations

from compose_tls.changes import IdentityPlan, Plan
from compose_tls.project.enabled import first_endpoint
from compose_tls.results import CutOff, Endpoint, NeighbourResult
from compose_tls.setup import Concerned, Proxy
from compose_tls.state.recorded import State
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning


@dataclass(frozen=True, slots=True)
class ServicePlan(Concerned):
    """A plan, and what the steps after it need to know.

    Attributes:
        plan: The plan.
        proxies: The services that end client TLS, and where they are reached.
        identities: Where each certificate comes from.
        state: What state.json will say; its fingerprints are filled in once they are issued.
        key_problem: Why a container's user could not read the server key; ``None`` where all can.
        cut_off: The services of the project that are not accepted any more as they are.
        neighbours: Those that are switched with Milvus, or were and are not any more.
        servers: The services that are etcd or the object store, and speak TLS too.
        server_ports: The port of each of these servers.
        others: The Milvus services that are not proxies, and speak TLS too.
        touched: Those of all these of which something is written; ``None`` where all of them are.
        beside: Further services that get other settings, or see files that are written.
    """

    plan: Plan
    proxies: tuple[Proxy, ...]
    identities: IdentityPlan
    state: State
    key_problem: TlsWarning | None = None
    cut_off: tuple[CutOff, ...] = ()
    neighbours: tuple[NeighbourResult, ...] = ()
    servers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    server_ports: tuple[tuple[str, int], ...] = ()
    touched: frozenset[str] | None = None
    beside: tuple[str, ...] = ()

    @property
    def written(self) -> frozenset[str]:
        """Those of them of which something is written."""
        return frozenset(self.everything) if self.touched is None else self.touched

    @property
    def told_beside(self) -> tuple[str, ...]:
        """The other services that have entries of ours, once it is carried out."""
        return tuple(name for name in self.state.told if name not in self.everything)

    @property
    def endpoint(self) -> Endpoint | None:
        """Where clients reach the first that is published; ``None`` when none is."""
        return first_endpoint(self.proxies)
