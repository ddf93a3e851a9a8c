"""Deploying: Docker Compose for what only Compose can do, the engine's API for the rest.

``compose_cli`` starts services, ``engine`` looks at the engine and its containers, ``wait`` waits until
Milvus is ready or says why it will not be, ``diagnose`` finds that reason in a log. ``deployed`` reads
the container of a service, ``declared`` what Compose would make of it now; ``differences`` compares
the two, and ``container_layer`` finds what is lost when the container is recreated.
"""
