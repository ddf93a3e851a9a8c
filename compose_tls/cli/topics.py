"""What ``compose-tls help TOPIC`` says that no command's own help does."""

from __future__ import annotations

from typing import Final

TOPICS: Final = {
    "modes": """\
Modes (common.security.tlsMode of Milvus)

  0  Plain text: everyone on the way reads and changes what clients send.
  1  One-way TLS, the default of enable: the connection is encrypted, and clients
     verify the server with cert/ca.pem. Clients need no certificate.
  2  Mutual TLS: Milvus also verifies clients. A client without a certificate is
     refused; compose-tls client NAME issues one.

  No mode replaces a password: Milvus asks for one, or does not, as before.

  Examples:
    compose-tls enable --mode 1 --up
    compose-tls enable --mode 2 --dry-run""",
    "files": """\
Files: what is changed and made, below the project directory

  docker-compose.yml   gets the mount of tls/, and variables where there is no milvus.yaml
  milvus.yaml          gets certificate paths, tlsMode and the REST settings
  tls/                 what the container sees: server.pem, server.key, ca.pem
  tls-clients/SERVICE/ what a service that talks to Milvus sees
  cert/                all that was issued, keys included; never mounted
  cert/ca.key          issues certificates that your clients trust: keep it safe
  cert/clients/        certificates of further clients: compose-tls client NAME
  cert/state.json      what enable changed, so that disable can undo it
  compose-tls.toml     settings, if you write it: compose-tls help settings

  Examples:
    compose-tls status -v
    compose-tls disable --purge --dry-run""",
    "settings": """\
Settings, the first that is given counts

  1  an option                  --rest-port 8080
  2  a variable                 COMPOSE_TLS_REST_PORT=8080
  3  a line of compose-tls.toml rest-port = 8080
  4  what the last enable recorded in cert/state.json
  5  the default

  Lists are comma-separated in a variable. Passwords and tokens come from files only.
  All settings: https://github.com/compose-tls/compose-tls/blob/main/docs/settings.md

  Examples:
    COMPOSE_TLS_REST_PORT=8080 compose-tls enable --dry-run""",
    "exit-codes": """\
Exit codes

    0  done, or nothing to do
    1  a bug of compose-tls
    2  wrong usage or settings
    3  the project cannot be read, patched or safely recreated; output cannot be written
    4  certificates or keys
    5  Docker engine or Docker Compose
    6  a live check failed
    7  status: TLS is off, or what is declared, recorded and deployed differ
  130  interrupted
  141  what reads the output went away, as head does

  Each error also has a code of its own, as in error[not-enabled]:
  https://github.com/compose-tls/compose-tls/blob/main/docs/errors.md""",
    "scope": """\
Scope: what enable --scope encrypts

  proxy     what clients say to Milvus: the default
  internal  what the parts of Milvus say to each other too (Milvus 2.5 and newer)
  all       etcd, the object store and Kafka too

  The scope is remembered; a smaller one needs its own --scope. Metrics and health (port
  9091) stay in plain text in every scope. compose-tls status lists every connection.

  Examples:
    compose-tls enable --scope all --dry-run
    compose-tls status -v""",
    "ports": """\
Ports: which are published, and where, stays as the compose file says

  19530       gRPC: TLS only; clients use https:// and the same port
  REST        switched off where it shares port 19530, as Milvus cannot serve both there
              with TLS; --rest-port gives it a port of its own
  9091        metrics and health: plain text in every mode; publish it as
              "127.0.0.1:9091:9091", since it also takes REST requests
  2379, 9000  etcd and the object store: plain text, unless --scope all is given

  Examples:
    compose-tls enable --rest-port 8080 --dry-run
    compose-tls status""",
    "clients": """\
Clients: what each of them needs

  mode 1  an https:// address, and cert/ca.pem to verify the server
  mode 2  a certificate with its key as well: compose-tls client NAME

  connect prints the code or the settings. In the project, enable switches the services
  that it knows (Attu, milvus-backup, Dify …), and names the others with what they need;
  in mode 2 it refuses to cut one off, unless --accept clients-cut-off is given.
  Milvus reads no revocation list: renew --ca and renew --ca --finish shut a client out.

  Examples:
    compose-tls client alice
    compose-tls connect --client alice""",
    "undo": """\
Undo: what puts things back

  disable            gives files their very bytes back; of a file that was edited since,
                     it takes out its own entries only, and says so
  disable --purge    removes the certificates and keys too: clients need new ones then
  enable --up        that fails puts back the previous files and containers, by itself
  Ctrl-C, a crash    the next command finishes or takes back what was interrupted

  After disable, docker compose up -d runs Milvus without TLS.

  Examples:
    compose-tls disable --dry-run""",
}
"""By name: a title, facts, and commands to try."""
