"""Deploying: Docker Compose for what only Compose can do, the engine's API for the rest.

``compose_cli`` starts services, ``engine`` looks at the engine and its containers, ``wait`` waits until
Milvus is ready or says why it will not be, ``diagnose`` finds that reason in a log.
"""
