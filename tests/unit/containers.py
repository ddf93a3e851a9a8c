"""A container as the engine tells of it, for tests in which none runs."""

from __future__ import annotations

from compose_tls.deploy.container import ContainerFacts

RUNNING = ContainerFacts(
    id="4f3a",
    name="milvus-standalone",
    image="milvusdb/milvus:v2.3.5",
    status="running",
    exit_code=0,
    oom_killed=False,
    error="",
    restart_count=0,
    health=None,
    started_at=None,
    user="",
    host_network=False,
    ports=(),
    health_output="",
    networks={},
    network_owner=None,
)
