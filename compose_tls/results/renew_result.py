"""What ``renew`` returns."""

# Without annotations as texts: pydantic would compile each of them.

from typing import Literal

from pydantic import Field

from compose_tls.results.issue_results import IssueResult


class RenewResult(IssueResult, frozen=True):
    """The result of ``renew``.

    Attributes:
        brought: Whether the certificates were not issued here. Not printed.
    """

    brought: bool = Field(default=False, exclude=True)
    command: Literal["renew"] = "renew"
