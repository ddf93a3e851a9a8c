"""How each SDK and tool spells TLS. Pure text."""
