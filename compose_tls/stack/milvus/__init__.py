"""The settings of Milvus: names, places and defaults by version."""
