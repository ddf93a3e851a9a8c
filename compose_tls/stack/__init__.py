"""One room a member of the stack: how it says TLS, how that is read back, how it is proved."""
