"""Spells a TLS set-up for other targets than an existing Compose project. Modules are independent."""
