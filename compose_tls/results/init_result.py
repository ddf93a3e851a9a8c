"""What ``init`` returns."""

# Without annotations as texts: pydantic would compile each of them.

from typing import Literal

from pydantic import Field

from compose_tls.results.issue_results import IssueResult


class InitResult(IssueResult, frozen=True):
    """The result of ``init``.

    Attributes:
        flavour: Which services the project has; ``None`` if it was there: what standalone_embed.sh
            starts, or what an earlier ``init`` made.
        image: The image of Milvus.
        root_password_file: Where the password of root is, relative to the project; ``None`` if Milvus
            does not ask for one.
        then: The next command once Milvus is proved. Not printed.
    """

    command: Literal["init"] = "init"
    flavour: Literal["standalone", "embedded-etcd", "gpu", "cluster"] | None = None
    image: str | None = None
    root_password_file: str | None = None
    then: tuple[str, ...] = Field(default=(), exclude=True)
