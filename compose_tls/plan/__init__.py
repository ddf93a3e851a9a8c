"""Pure planning: an observation, settings and the time in, a plan out. Nothing here reads or writes."""
