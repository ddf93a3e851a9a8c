"""Reads a Compose project as Compose does: files, services, mounts and variables."""
