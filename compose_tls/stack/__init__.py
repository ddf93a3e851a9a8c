"""One room a member of the stack: how it says TLS in which version, how that is read back, how it is proved."""
