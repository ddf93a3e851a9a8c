"""What a set-up is called where it is deployed, and the names that its servers have there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from compose_tls.errors import InvalidSetting
from compose_tls.layout import ETCD, OBJECT_STORE
from compose_tls.patterns import regex
from compose_tls.values import dataclass

Target: TypeAlias = Literal["helm", "operator", "cert-manager", "swarm", "openssl"]
TARGETS: Final[tuple[Target, ...]] = ("helm", "operator", "cert-manager", "swarm", "openssl")

# RFC 1123 label, as Kubernetes has names of services and namespaces:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_LABEL = regex(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
# Helm's limit for the name of a release, so that its charts can add to it:
# https://helm.sh/docs/chart_template_guide/getting_started/ ; a namespace may have all of a label.
_LONGEST: Final = {"name": 53, "namespace": 63}
_SWARM_NAME = regex(r"[a-zA-Z0-9]+(?:[-_]+[a-zA-Z0-9]+)*")
_CHART: Final = "milvus"
_LABEL_LONGEST: Final = 63
_STACKS: Final = "swarm"
DEPENDENCIES: Final = (ETCD, OBJECT_STORE)
"""The identities of servers that a release has of its own, other than Milvus."""
# The name of the chart of each, and how the name of its headless Service ends.
_CHART_OF: Final = {ETCD: ("etcd", "headless"), OBJECT_STORE: ("minio", "svc")}


@dataclass(frozen=True, slots=True)
class Release:
    """One deployment.

    Attributes:
        target: What it is for.
        name: The name of the Helm release, the Milvus resource or the stack.
        namespace: The Kubernetes namespace.
        hosts: Further DNS names and IP addresses under which clients reach it: an ingress, a load
            balancer, a node.
        cluster: Whether Milvus runs as several components.
    """

    target: Target
    name: str
    namespace: str = "default"
    hosts: tuple[str, ...] = ()
    cluster: bool = False

    def __post_init__(self) -> None:
        for setting, longest in _LONGEST.items():
            value: str = getattr(self, setting)
            if not _LABEL.fullmatch(value) or len(value) > longest:
                raise InvalidSetting(
                    f"{value!r} cannot be the {setting} of a deployment",
                    hint=f"use at most {longest} lower-case letters, digits and inner hyphens, a letter "
                    f"first: --{setting} milvus",
                )

    @property
    def stem(self) -> str:
        """What the files of a certificate of its own are named after."""
        if self.target == "swarm":
            return f"{_STACKS}.{self.name}"
        # No namespace has an underscore in its name.
        namespace = f"{_STACKS}_" if self.namespace == _STACKS else self.namespace
        return f"{namespace}.{self.name}"

    def cluster_names(self) -> Iterator[str]:
        """The names under which a pod of any namespace reaches the server.

        One certificate is for every way to deploy Milvus: the chart calls its Service NAME where that
        has "milvus" in it, and NAME-milvus elsewhere (``milvus.fullname`` in templates/_helpers.tpl of
        5.0.19), the Operator always NAME-milvus (GetServiceInstanceName in controllers/components.go).
        A headless Service gives each pod a name below its own:
        https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
        """
        services = tuple(dict.fromkeys((self.name, _label(f"{self.name}-{_CHART}"))))
        for service in services:
            yield from _in_namespace(service, self.namespace)
        for service in services:
            headless = tuple(_in_namespace(_label(f"{service}-headless"), self.namespace))
            yield from headless
            yield f"*.{headless[-1]}"

    def dependency_names(self, identity: str) -> Iterator[str]:
        """The names under which Milvus, and others of their kind, reach etcd or the object store.

        The charts call a Service after the release where that has their name in it, and add it
        elsewhere (``common.names.fullname`` of etcd 8.12.0, ``minio.fullname`` of minio 8.0.17, which cut
        at 63 characters); the Operator has releases NAME-etcd and NAME-minio. Milvus connects to each pod
        of etcd behind the headless Service: with the chart under .svc.cluster.local, with the Operator
        only under the namespace (milvus_webhook.go).

        Args:
            identity: One of ``DEPENDENCIES``.

        Raises:
            InvalidSetting: The name of the release is so long that Milvus would not find its etcd.
        """
        chart, end = _CHART_OF[identity]
        added = f"-{end}" if chart in self.name and self.target != "operator" else f"-{chart}-{end}"
        longest = _LABEL_LONGEST - len(added)
        if len(self.name) > longest:
            # Milvus is told the whole name: milvus.config of the chart, milvus_webhook.go.
            raise InvalidSetting(
                f"{self.name!r} is too long: the name of the headless Service of {chart} is cut, and "
                "Milvus looks for the whole one",
                hint=f"use at most {longest} characters: --name milvus",
            )
        services = (self.name,) if chart in self.name else ()
        for service in (*services, _label(f"{self.name}-{chart}")):
            yield from _in_namespace(service, self.namespace)
            headless = tuple(_in_namespace(_label(f"{service}-{end}"), self.namespace))
            yield from headless
            yield from (f"*.{name}" for name in headless[1:])

    def swarm_names(self, service: str) -> Iterator[str]:
        """The names under which the services of a stack reach one of it, its tasks included.

        Source: https://docs.docker.com/engine/swarm/networking/ and the stack's network aliases.
        """
        for name in (service, self.swarm_service(service)):
            yield from (name, f"tasks.{name}")

    def swarm_service(self, service: str) -> str:
        """The name of a service of the project in the stack.

        Raises:
            InvalidSetting: Swarm takes no service of that name: validateAnnotations in
                manager/controlapi/common.go of https://github.com/moby/swarmkit.
        """
        name = f"{self.name}_{service}"
        if not _SWARM_NAME.fullmatch(name):
            raise InvalidSetting(
                f"{name} is not a valid name of a Swarm service",
                hint=f"call service {service} by letters, digits, and inner hyphens and underscores",
            )
        if len(name) > _LABEL_LONGEST:
            raise InvalidSetting(
                f"{name} is longer than the {_LABEL_LONGEST} characters that Swarm allows for a service",
                hint="use a shorter --name, or a shorter name for the service",
            )
        return name


def _label(name: str) -> str:
    """A name cut as the charts cut it: ``trunc 63 | trimSuffix "-"``."""
    return name[:_LABEL_LONGEST].removesuffix("-")


def _in_namespace(service: str, namespace: str) -> Iterator[str]:
    yield service
    for end in ("", ".svc", ".svc.cluster.local"):
        yield f"{service}.{namespace}{end}"
