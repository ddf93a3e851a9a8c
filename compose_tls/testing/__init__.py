"""For integration tests: a real Milvus that speaks TLS."""
