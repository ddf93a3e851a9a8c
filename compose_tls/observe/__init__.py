"""Reads a project once, into a frozen value. Nothing after this looks at the disk to decide."""

from compose_tls.observe.reading import observe

__all__ = ["observe"]
