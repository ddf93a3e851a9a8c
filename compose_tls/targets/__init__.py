"""Writes a TLS set-up for targets other than an existing Compose project. Modules are independent."""
