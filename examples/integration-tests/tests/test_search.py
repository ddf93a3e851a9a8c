"""The application on a real Milvus, over mutual TLS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bookshelf import Bookshelf
from pymilvus import MilvusClient

from compose_tls.testing import MilvusServer


@pytest.fixture
def client(milvus_tls: MilvusServer) -> Iterator[MilvusClient]:
    """A client of the server that all tests share."""
    client = MilvusClient(**milvus_tls.connect_args())
    yield client
    client.close()


def test_the_nearest_book_is_found(client: MilvusClient) -> None:
    """Create, insert and search."""
    shelf = Bookshelf(client)
    shelf.fill({"On Growth and Form": [1, 0, 0, 0], "The Art of Memory": [0, 1, 0, 0]})

    assert shelf.nearest([0.1, 0.9, 0, 0]) == "The Art of Memory"
