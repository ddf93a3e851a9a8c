"""The server to check, and the files of its client."""

from __future__ import annotations

import errno
import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path

from compose_tls.checks.explain import NextStep
from compose_tls.checks.wire import GRPC, REST, Protocol
from compose_tls.connection import url_host
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.shell import quoted, typed
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode


@dataclass(frozen=True, slots=True)
class Target:
    """A Milvus server and the client files for it.

    Attributes:
        host: A host name or an address; IPv6 without brackets.
        port: The TCP port of gRPC; where ``protocol`` says so, of REST.
        server_name: The name that the certificate must hold.
        mode: What the server is meant to do.
        ca_path: The CA certificates to trust.
        client_certificate_path: The client certificate, in mode 2.
        client_key_path: Its key.
        expected_sha256: The fingerprint of the certificate on disk; ``None`` for any.
        user: A Milvus user, with ``password``.
        token: A Milvus token, instead of user and password.
        rest_address: Host and TCP port of REST, where it is on and published.
        further: Hosts and TCP ports where the same service is reached as well: its replicas, and what
            else it publishes. Whatever is refused at the first of them must be refused at each.
        client_ca_path: The CA certificates whose clients the server accepts in mode 2; ``None`` for
            those of ``ca_path``.
        expired_client: A client certificate of the right CA that has expired, where its key is available.
        service: The name of the service in the Compose project, for the next step.
        elsewhere: Whether no project here is known to run it, so that no command here changes it.
        protocol: What is spoken on the port.
        pem: What the files of the client held when they were read, by path. They were read once, and a
            probe opens none of them: whatever is there meanwhile, it meets no other content.
    """

    host: str
    port: int
    server_name: str
    mode: TlsMode
    ca_path: Path
    client_certificate_path: Path | None = None
    client_key_path: Path | None = None
    expected_sha256: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    rest_address: tuple[str, int] | None = None
    further: tuple[tuple[str, int], ...] = ()
    client_ca_path: Path | None = None
    expired_client: CertificateWithKey | None = field(default=None, repr=False)
    service: str | None = None
    elsewhere: bool = False
    protocol: Protocol = field(default=GRPC, repr=False)
    pem: Mapping[Path, bytes] = field(default_factory=dict, repr=False, compare=False)

    def content(self, path: Path) -> bytes:
        """What a file of the client held.

        Raises:
            FileNotFoundError: There was none.
        """
        if path not in self.pem:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return self.pem[path]

    @property
    def rest(self) -> Target | None:
        """REST of the same server, which has the mode and the certificate of gRPC."""
        if self.rest_address is None:
            return None
        host, port = self.rest_address
        return replace(self, host=host, port=port, rest_address=None, further=(), protocol=REST)

    @property
    def authority(self) -> str:
        """Host and port as in a URI (RFC 3986 section 3.2)."""
        return f"{url_host(self.host)}:{self.port}"

    @property
    def uri(self) -> str:
        """Where clients connect."""
        return f"https://{self.authority}"

    @property
    def credential(self) -> str | None:
        """What Milvus calls a token: ``user:password`` or a token of its own."""
        if self.token is not None:
            return self.token
        return f"{self.user}:{self.password or ''}" if self.user else None

    def advice(self, next_step: str) -> str:
        """A next step with the service and the name that it is about."""
        if self.elsewhere:
            return next_step.elsewhere if isinstance(next_step, NextStep) else next_step
        named = next_step.replace(" SERVICE", f" {typed(self.service)}" if self.service else "")
        return named.replace("--san NAME", f"--san {quoted(self.server_name)}")

    def redacted(self, text: str) -> str:
        """A text of someone else without the secrets, as they are and as they are sent (base64)."""
        secrets = [secret for secret in (self.credential, self.password, self.token) if secret]
        sent = [b64encode(secret.encode()).decode() for secret in secrets]
        for secret in (*secrets, *sent):
            text = text.replace(secret, "***")
        return text
