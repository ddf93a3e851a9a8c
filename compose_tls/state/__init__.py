"""state.json: what enable did, and so what disable may take back."""
