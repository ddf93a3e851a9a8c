"""Documents that are made new: one room a target."""
