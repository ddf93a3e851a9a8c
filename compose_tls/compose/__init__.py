"""What a Compose project means: its files, services, mounts and variables, read as Compose does."""
