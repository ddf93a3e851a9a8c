"""From intents to splices: what may be edited, where new text goes, and what it looks like there."""
