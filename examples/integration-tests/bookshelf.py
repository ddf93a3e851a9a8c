"""A small application on Milvus: books, found by what they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymilvus import MilvusClient

Vector = Sequence[float]


class Bookshelf:
    """Books in one collection of Milvus."""

    def __init__(self, client: MilvusClient, name: str = "books") -> None:
        self._client = client
        self._name = name

    def fill(self, books: Mapping[str, Vector]) -> None:
        """Put books on an empty shelf: titles, and where each lies among the topics."""
        rows: list[dict[str, Any]] = [
            {"id": number, "vector": list(vector), "title": title}
            for number, (title, vector) in enumerate(books.items())
        ]
        self._client.create_collection(
            self._name, dimension=len(rows[0]["vector"]), consistency_level="Strong"
        )
        self._client.insert(self._name, rows)

    def nearest(self, vector: Vector) -> str:
        """The title of the book that is nearest to a topic."""
        found = self._client.search(
            self._name, data=[list(vector)], limit=1, output_fields=["title"]
        )
        return str(found[0][0]["entity"]["title"])
