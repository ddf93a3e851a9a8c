"""state.json: what enable did, so that disable can undo it."""
