"""Where certificates and keys come from (existing, provided, issued), and their rehearsal."""
