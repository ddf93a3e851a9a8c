"""A new Compose project of Milvus and of what it needs, before TLS is put into it."""
