"""The texts of ``compose-tls help TOPIC``."""

from __future__ import annotations

from typing import Final

TOPICS: Final = {
    "modes": """\
Modes (common.security.tlsMode of Milvus)

  0  Plain text: anyone on the network path can read and change the traffic.
  1  One-way TLS, the default of enable: the connection is encrypted, and
     clients verify the server with cert/ca.pem. Clients need no certificate.
  2  Mutual TLS: Milvus also verifies clients. A client without a certificate
     is refused; compose-tls client NAME issues one.

  TLS does not replace passwords: whether Milvus asks for one does not change.

  Examples:
    compose-tls enable --mode 1 --up
    compose-tls enable --mode 2 --dry-run""",
    "files": """\
Files that are edited and created, in the project directory

  docker-compose.yml    a mount of tls/; without milvus.yaml, the settings too
  milvus.yaml           certificate paths, tlsMode and the REST settings
  tls/                  what the container sees: server.pem, server.key, ca.pem
  tls-clients/SERVICE/  what the container of a service that uses Milvus sees
  cert/                 all certificates and keys; never mounted
  cert/ca.key           issues certificates that clients trust: keep it safe
  cert/clients/         certificates from compose-tls client NAME
  cert/state.json       what enable changed, so that disable can undo it
  compose-tls.toml      your settings (optional): compose-tls help settings

  Examples:
    compose-tls status -v
    compose-tls disable --purge --dry-run""",
    "settings": """\
Settings: the first of these places that has a value wins

  1  an option                  --rest-port 8080
  2  an environment variable    COMPOSE_TLS_REST_PORT=8080
  3  compose-tls.toml           rest-port = 8080
  4  what the last enable recorded in cert/state.json
  5  the default

  In a variable, lists are comma-separated. Passwords and tokens are read from
  files only. All settings:
  https://github.com/compose-tls/compose-tls/blob/main/docs/settings.md

  Examples:
    COMPOSE_TLS_REST_PORT=8080 compose-tls enable --dry-run""",
    "exit-codes": """\
Exit codes

    0  done, or nothing to do
    1  a bug of compose-tls
    2  wrong usage or settings
    3  the project cannot be read, patched or safely recreated;
       output cannot be written
    4  certificates or keys
    5  Docker engine or Docker Compose
    6  a live check failed
    7  status: TLS is off, or what is declared, recorded and deployed differ
  130  interrupted
  141  the reader of the output ended early, as head does

  Each error and warning also has a code of its own, as in error[not-enabled]:
  https://github.com/compose-tls/compose-tls/blob/main/docs/errors.md""",
    "scope": """\
Scope: what enable --scope encrypts

  proxy     connections of clients to Milvus (the default)
  internal  also connections between Milvus components (Milvus 2.5 and newer)
  all       also connections to etcd, the object store and Kafka

  The scope is remembered; give --scope again to reduce it. Metrics and health
  (port 9091) stay in plain text in every scope. compose-tls status lists every
  connection.

  Examples:
    compose-tls enable --scope all --dry-run
    compose-tls status -v""",
    "ports": """\
Ports: enable does not change which ports are published

  19530       gRPC: TLS only; clients use https:// and the same port
  REST        switched off if it shares port 19530: with TLS, Milvus cannot
              serve both there; --rest-port gives REST its own port
  9091        metrics and health: plain text in every mode; publish it as
              "127.0.0.1:9091:9091", since it also accepts REST requests
  2379, 9000  etcd and the object store: plain text without --scope all

  Examples:
    compose-tls enable --rest-port 8080 --dry-run
    compose-tls status""",
    "clients": """\
Clients: what they need

  mode 1  an https:// address, and cert/ca.pem to verify the server
  mode 2  also a client certificate with its key: compose-tls client NAME

  compose-tls connect prints code and settings. In the project, enable switches
  the services that it knows to TLS (Attu, milvus-backup, Dify …), and lists the
  others with what they need. In mode 2 it does not cut a service off unless you
  give --accept clients-cut-off. Milvus does not support revocation lists: to
  lock a client out, replace the CA with renew --ca and renew --ca --finish.

  Examples:
    compose-tls client alice
    compose-tls connect --client alice""",
    "undo": """\
Undo

  disable          restores the original bytes of each file; if a file was
                   edited since, only the entries of enable are removed
  disable --purge  also deletes certificates and keys: clients need new ones
  enable --up      restores the previous files and containers if it fails
  Ctrl-C, a crash  the next command completes or undoes what was interrupted

  After disable, docker compose up -d runs Milvus without TLS.

  Examples:
    compose-tls disable --dry-run""",
}
"""By name: a title, facts, and commands to try."""
