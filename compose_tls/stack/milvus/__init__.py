"""What Milvus means by its settings: which has which name, place and default in which version."""
