"""From settings to the TLS set-up: the settings and certificates of each member."""

from __future__ import annotations

from collections.abc import Sequence

from compose_tls.changes import IdentityPlan
from compose_tls.config import TlsConfig
from compose_tls.layout import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY
from compose_tls.plan.stack_parts import Stack
from compose_tls.project.endpoints import rest_port
from compose_tls.project.milvus_services import MilvusService
from compose_tls.setup import Directory, Member, TlsSetup
from compose_tls.stack.milvus.settings import tls_settings


def tls_setup(
    milvus: Sequence[MilvusService],
    identities: IdentityPlan,
    config: TlsConfig,
    stack: Stack,
) -> TlsSetup:
    """What is wanted of a project.

    Args:
        milvus: The services that end client TLS.
        identities: The certificates.
        config: The settings.
        stack: What speaks TLS besides them.
    """
    # REST with a port of its own is reached as it was; where that is not published, it stays so.
    published = () if config.rest_port is None else (config.rest_port,)
    directory = Directory(
        config.served_dir,
        config.container_tls_dir,
        tuple((name, name) for name in (SERVER_CERTIFICATE, SERVER_KEY, CA_CERTIFICATE)),
    )
    members = tuple(
        Member(
            one.name,
            "milvus",
            tls_settings(config.tls_mode, config.container_tls_dir, rest_port(one, config)),
            directory,
            one.configuration.proxy_port,
            published,
        )
        for one in milvus
    )
    return TlsSetup(
        config.tls_mode,
        tuple(one.identity for one in identities.identities),
        (*members, *(part.member for part in stack.parts)),
    )
