"""The CA whose clients Milvus accepts in mode 2, where it is not that of the server."""

from __future__ import annotations

from compose_tls.changes import Source
from compose_tls.config import TlsConfig
from compose_tls.layout import CERTIFICATE, CLIENT_CA
from compose_tls.observation import PkiFacts
from compose_tls.project.model import makes_client_ca
from compose_tls.vocabulary import TlsWarning


def client_ca_source(pki: PkiFacts, config: TlsConfig, *, settled: bool = False) -> Source | None:
    """Where the client CA comes from, where they have one of their own; otherwise ``None``.

    Where a public CA issued the server's certificate, it lets everyone in: so one is made here.

    Args:
        pki: What is in the PKI directory.
        config: The settings.
        settled: Whether clients have certificates of the server's CA already, so that none is made.
    """
    if config.client_ca_cert is not None:
        return "provided"
    if CLIENT_CA in pki.certificates:
        return "existing"
    return "issued" if makes_client_ca(config) and pki.public_ca and not settled else None


def issues_clients(config: TlsConfig, apart: Source | None) -> bool:
    """Whether the certificate of a client is made here, under the server's CA or that of the clients."""
    if config.client_cert is not None:
        return False
    if apart == "provided":
        return config.client_ca_key is not None
    return apart is not None or config.server_cert is None


def has_server_ca_clients(before: TlsConfig | None, config: TlsConfig) -> bool:
    """Whether clients have certificates of the server's CA since an earlier enable, that was provided.

    Args:
        before: The settings of that enable; ``None`` where there was none.
        config: The settings.
    """
    return before is not None and before.mode == config.mode and makes_client_ca(before)


def client_ca_made(config: TlsConfig) -> TlsWarning:
    """That clients get certificates of a CA of their own."""
    path = f"{config.pki_dir}/{CLIENT_CA}{CERTIFICATE}"
    return TlsWarning(
        "public-client-ca",
        "the server CA is a public one, and anyone with a certificate from it would be accepted "
        "as a client: so Milvus accepts only clients of a new CA,"
        f" {path}",
        path,
        "issue more with compose-tls client NAME, or name another client CA with --client-ca-cert",
    )


def no_client(config: TlsConfig) -> TlsWarning:
    """That mode 2 is on with a CA of the user's, and no client has a certificate here."""
    return TlsWarning(
        "client-certificate-missing",
        "mode 2 accepts clients with a certificate of the given CA, and no client here has one",
        config.client_ca_cert or config.ca_cert,
        "give one with --client-cert and --client-key, have them issued with --client-ca-cert and"
        " --client-ca-key, or use --mode 1",
    )
