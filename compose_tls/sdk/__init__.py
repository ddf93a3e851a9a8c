"""Client code and settings with TLS, ready to paste."""
