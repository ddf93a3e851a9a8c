"""aws, the command line of AWS, as a service of the project: such as one that makes a bucket, and ends.

Sources: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html (AWS_CA_BUNDLE, and
AWS_ENDPOINT_URL from 2.13 on); https://docs.aws.amazon.com/cli/latest/reference/ (--ca-bundle wins).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from compose_tls.stack.images import repository_and_tag
from compose_tls.stack.tool_tls import AWS

CA_VARIABLE: Final = "AWS_CA_BUNDLE"
"""Names the file with all CAs that it trusts, instead of its own."""


def runs(image: str | None, command: Sequence[str]) -> bool:
    """Whether a service runs aws.

    Args:
        image: Its image.
        command: Its command line.
    """
    named = repository_and_tag(image or "")[0] == "aws-cli"
    return named or AWS.search(" ".join(command)) is not None


def takes_bundle(
    image: str | None, command: Sequence[str], variables: Mapping[str, str | None]
) -> bool:
    """Whether a service runs aws, and is not told of CAs yet.

    Args:
        image: Its image.
        command: Its command line.
        variables: Its environment.
    """
    told = variables.get(CA_VARIABLE) is not None or "--ca-bundle" in " ".join(command)
    return runs(image, command) and not told
