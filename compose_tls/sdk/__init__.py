"""How each client spells TLS: code and settings, ready to paste."""
