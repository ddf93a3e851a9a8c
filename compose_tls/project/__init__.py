"""A project as one value: what Compose would load, what enable recorded, and which Milvus is in it."""
