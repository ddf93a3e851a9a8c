"""What a command is going to do to the service that ends client TLS."""

from __future__ import annotations

from dataclasses import dataclass

from compose_tls.changes import Plan
from compose_tls.plan.certificate_plan import CertificatePlan
from compose_tls.results import Endpoint
from compose_tls.state.recorded import State


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """A plan, and what the steps after it need to know.

    Attributes:
        service: The service that ends client TLS.
        proxy_port: The port of the proxy inside the container.
        endpoint: Where clients reach it; ``None`` when no port is published.
        certificates: Where each certificate comes from.
        state: What state.json will say; its certificates are filled in once they are issued.
    """

    plan: Plan
    service: str
    proxy_port: int
    endpoint: Endpoint | None
    certificates: CertificatePlan
    state: State
