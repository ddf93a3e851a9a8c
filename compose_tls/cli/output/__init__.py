"""Results and errors, as people read them and as programs do."""
