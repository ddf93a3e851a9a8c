"""Live proof from outside: each probe on a connection of its own."""
