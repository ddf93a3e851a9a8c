"""Arguments in; text or one JSON document and an exit code out. The only error boundary."""
