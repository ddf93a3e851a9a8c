"""The table of failures: what Milvus, Go and the engine write, what it means, and what to do.

The texts marked "measured" were seen with Milvus 2.3.5 and Docker Engine 20.10; the others are read in
the source of Milvus 2.4 to 3.0 (internal/distributed/proxy/listener_manager.go, cmd/roles/roles.go).
"""

from __future__ import annotations

import re

from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """One kind of failure. Named groups of the pattern can be used in the texts.

    Attributes:
        pattern: What the log line contains.
        meaning: Plain words, no full stop, so that it can follow "because".
        next_step: What the user can do.
        transient: Whether it can pass by itself.
    """

    pattern: re.Pattern[str]
    meaning: str
    next_step: str
    transient: bool


def _failure(
    pattern: str, meaning: str, next_step: str, *, transient: bool = False
) -> KnownFailure:
    return KnownFailure(re.compile(pattern), meaning, next_step, transient)


_MATCHING_PAIR = (
    "compose-tls renew issues a matching pair; with your own certificates, give the key that belongs to"
    " the certificate"
)

# Causes precede their effects: a milvus.yaml that cannot be read ends in a port conflict.
FAILURES: tuple[KnownFailure, ...] = (
    # --- the engine could not start the container -------------------------------------------------
    _failure(  # measured
        r"error mounting \"?(?P<source>[^\" ]+)\"? to rootfs at \"?(?P<target>[^\" ]+?)\"?:.*"
        r"not a directory",
        "{target} is a file in the image but {source} on this machine is a directory, or the other way"
        " round",
        "Docker makes a directory of a file that is missing when it is first mounted: remove {source},"
        " put the file there and start again",
    ),
    _failure(
        r"bind source path does not exist: (?P<source>\S+)",
        "{source}, which is to be mounted, does not exist on this machine",
        "put it there, or correct the volumes of the service",
    ),
    _failure(  # measured: a directory, or no permission to run it
        r"exec: \"(?P<file>[^\"]+)\": (?:permission denied|is a directory)",
        "the command of the service is not a program that can be run: {file}",
        "check what is at that path in the image, or mounted there: it may be a directory",
    ),
    _failure(  # measured
        r"\[FATAL tini \(\d+\)\] exec (?P<command>\S+) failed|exec: \"(?P<file>[^\"]+)\": ",
        "the command of the service is not in the image: {command}{file}",
        "correct command or entrypoint of the service, or its image",
    ),
    _failure(
        r"exec format error",
        "the image is for another processor architecture than this machine's",
        "use an image for this architecture, or set platform: on the service",
    ),
    # --- milvus.yaml ------------------------------------------------------------------------------
    _failure(  # measured
        r"Read config failed: (?P<file>\S+?): open \S+: permission denied",
        "the user that Milvus runs as may not read {file}",
        "make the file that is mounted there readable for that user (chmod o+r)",
    ),
    _failure(  # measured
        r"Read config failed: (?P<file>\S+?): While parsing config: (?P<error>[^\"\]]*)",
        "{file} is not valid YAML, so Milvus falls back to defaults that do not fit together: {error}",
        "correct the file that is mounted there, or mount none",
    ),
    # --- TLS ----------------------------------------------------------------------------------------
    _failure(
        r"share the same port, tls mode must be 0",
        "from Milvus 2.4.13 and 2.5.0 on, REST and gRPC cannot share one port when TLS is on",
        "set proxy.http.enabled: false, or give REST a port of its own with proxy.http.port;"
        " compose-tls enable does either",
    ),
    _failure(
        r"tls mode must be 0: no authentication",
        "common.security.tlsMode is none of 0, 1 and 2",
        "set it to 1 (the client verifies the server) or 2 (both verify each other)",
    ),
    _failure(  # measured: WARN with the path, then `panic: open …` for both kinds of file
        r"failed read ca pem.*error=\"(?P<error>[^\"]*)",
        "mode 2 needs the CA certificate of tls.caPemPath, which cannot be read: {error}",
        "mount ca.pem readable at that path, or correct tls.caPemPath",
    ),
    _failure(  # measured
        r"fail to append ca to cert",
        "the file of tls.caPemPath contains no PEM certificate",
        "put the CA certificate there (the text that starts with BEGIN CERTIFICATE)",
    ),
    _failure(  # measured
        r"private key does not match public key",
        "server.key is not the key of server.pem",
        _MATCHING_PAIR,
    ),
    _failure(  # measured
        r"found a certificate rather than a key|PEM inputs may have been switched",
        "the files of tls.serverPemPath and tls.serverKeyPath are the wrong way round or the same",
        "set tls.serverPemPath to the certificate and tls.serverKeyPath to its key",
    ),
    _failure(  # measured
        r"tls: failed to parse private key|tls: unknown private key type",
        "server.key is encrypted or of a kind that Milvus cannot read; it takes no passphrase",
        "decrypt it (openssl pkey -in server.key -out plain.key), or let compose-tls issue one",
    ),
    _failure(  # measured
        r"failed to find any PEM data in (?P<which>certificate|key) input",
        "the {which} file of the server contains no PEM text",
        "put PEM there (text that starts with -----BEGIN), not DER, PKCS#12 or an empty file",
    ),
    _failure(
        r"x509: (?:malformed|invalid)|failed to parse certificate",
        "the server certificate is damaged",
        _MATCHING_PAIR,
    ),
    # --- files of any kind --------------------------------------------------------------------------
    _failure(  # measured
        r"load etcd cert key pair error: open (?P<file>\S+?): (?P<error>[^\"\]]+)",
        "etcd.ssl is on and its certificate {file} cannot be read: {error}",
        "etcd.ssl is the link from Milvus to etcd, not the one to clients: switch etcd.ssl.enabled off,"
        " or give it its certificates",
    ),
    _failure(  # measured
        r"(?:mkdir|data directory:.*) (?P<file>/\S+?): permission denied",
        "the user that Milvus runs as may not write {file}",
        "give the data directory to that user: Milvus 3.0 runs as 999:999 (sudo chown -R 999:999 …)",
    ),
    _failure(  # measured
        r"(?:panic: |\[(?:WARN|ERROR)\].*\")open (?P<file>/\S+?): permission denied",
        "the user that Milvus runs as may not read {file}",
        "give the file that is mounted there to that user (docker image inspect -f"
        " '{{{{.Config.User}}}}' IMAGE names it): chown USER FILE, or set user: of the service",
    ),
    _failure(  # measured
        r"(?:panic: |\[(?:WARN|ERROR)\].*\")open (?P<file>/\S+?): no such file or directory",
        "Milvus is configured to read {file}, which is not in the container",
        "mount the directory with that file there, or correct the path in milvus.yaml or environment",
    ),
    _failure(  # measured
        r"read (?P<file>/\S+?): is a directory",
        "{file} is a directory in the container, where Milvus expects a file",
        "Docker makes a directory of a file that is missing when it is first mounted: remove it on this"
        " machine, put the file there and start again",
    ),
    _failure(
        r"no space left on device",
        "the disk is full",
        "free some space (docker system df shows what Docker holds)",
    ),
    # --- ports and processors -----------------------------------------------------------------------
    _failure(  # measured
        r"listen tcp[46]? \S*:19530: bind: address already in use",
        "port 19530 is wanted twice inside the container: a milvus.yaml that is not complete is mounted"
        " (a role without its port falls back to 19530), or with network_mode: host another process"
        " has it",
        "mount the complete milvus.yaml of this Milvus version, or none and set environment variables",
    ),
    _failure(
        r"listen tcp[46]? \S*:(?P<port>\d+): bind: address already in use",
        "port {port} is wanted twice in the network of the container",
        "give one of the two another port in milvus.yaml; with network_mode: host, end the other process",
    ),
    _failure(
        r"SIGILL|illegal instruction",
        "the processor lacks instructions that Milvus needs (SSE4.2, AVX)",
        "see https://milvus.io/docs/prerequisite-docker.md for the processors that Milvus runs on",
    ),
    # --- what Milvus needs, and what may still come -------------------------------------------------
    _failure(  # measured
        r"etcd-endpoints://[^/]+/(?P<address>[^\"]+)\".*authentication handshake failed",
        "etcd at {address} does not speak TLS as Milvus expects it to",
        "etcd.ssl is the link from Milvus to etcd, not the one to clients: switch it off or on "
        "at both sides",
        transient=True,
    ),
    _failure(  # measured
        r"etcd-endpoints://[^/]+/(?P<address>[^\"]+)\".*(?:Error while dialing|DeadlineExceeded)",
        "Milvus cannot reach etcd at {address}",
        "check whether the etcd service runs and etcd.endpoints names it (docker compose ps)",
        transient=True,
    ),
    _failure(  # measured
        r"Get \\?\"(?P<url>https?://[^/\\\"]+)/[^\"]*location=",
        "Milvus cannot use the object store at {url}",
        "check whether the MinIO service runs, and whether minio.address and minio.useSSL match it"
        " (docker compose ps)",
        transient=True,
    ),
    _failure(  # measured: about 30 s after a Milvus that was killed
        r"node not match\[expectedNodeID=|session idle for long time",
        "Milvus waits until the session of the previous container expires in etcd",
        "wait: this takes about half a minute after a container that was killed",
        transient=True,
    ),
    _failure(
        r"Failed to wait for all components ready|component is not ready before closing",
        "one of its components did not become ready in time",
        "read the whole log: docker compose logs",
    ),
)
