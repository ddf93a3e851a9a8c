"""What ``--scope`` may change in Compose's model of a project, said without the code that plans it.

For each kind of service: the variables that may come or change, the mounts that may come, and the fields
whose plain text may become TLS. All else has to be what it was.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_CLIENT_TLS = (
    r"TLS_(?:SERVERPEM|SERVERKEY|CAPEM)PATH|COMMON_SECURITY_TLSMODE|PROXY_HTTP_(?:ENABLED|PORT)"
)
_MILVUS = re.compile(
    rf"(?i)(?:{_CLIENT_TLS}|ETCD_SSL_\w+|MINIO_USE_?SSL|MINIO_SSL_TLSCACERT|INTERNALTLS_\w+"
    r"|COMMON_SECURITY_INTERNALTLSENABLED|KAFKA_SECURITY_?PROTOCOL|KAFKA_SSL_\w+)"
)
_ETCD = re.compile(
    r"ETCD_(?:CERT_FILE|KEY_FILE|TRUSTED_CA_FILE|CLIENT_CERT_AUTH)|ETCDCTL_(?:CACERT|CERT|KEY)"
)
_KAFKA = re.compile(
    r"KAFKA_(?:CFG_)?(?:LISTENER_SECURITY_PROTOCOL_MAP|INTER_BROKER_LISTENER_NAME)"
    r"|KAFKA_SSL_(?:KEYSTORE|TRUSTSTORE)_(?:TYPE|LOCATION)|KAFKA_SSL_CLIENT_AUTH"
    r"|KAFKA_TLS_(?:TYPE|CLIENT_AUTH)"
)
_STORE = re.compile(r"RUSTFS_TLS_PATH|MINIO_SCHEME")
_NEIGHBOUR = re.compile(
    r"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH|MILVUS_(?:SECURE|SSL|SERVER_NAME|SERVER_PEM_PATH|TLS_\w+"
    r"|CA_CERT_PATH|MTLS_\w+)|ROOT_CERT_PATH|SERVER_NAME|PRIVATE_KEY_PATH|CERT_CHAIN_PATH"
    r"|SSL_CERT_FILE|MINIO_(?:BACKUP_)?USE_SSL"
)
_NAMES: Mapping[str, re.Pattern[str]] = {
    "milvus": _MILVUS,
    "etcd": _ETCD,
    "store": _STORE,
    "kafka": _KAFKA,
    "other": _NEIGHBOUR,
}
_FOLDERS: Mapping[str, frozenset[str]] = {
    "milvus": frozenset({"tls", "tls/proxy", "tls/milvus", "tls/milvus/ca-bundle.pem"}),
    "etcd": frozenset({"tls/etcd"}),
    "store": frozenset(
        {
            "tls/object-store",
            "tls/object-store/CAs",
            *(f"tls/object-store/{n}" for n in ("public.crt", "private.key", "CAs/ca.crt")),
        }
    ),
    "kafka": frozenset({"tls/kafka"}),
}
_KEYS: Mapping[str, frozenset[str]] = {
    "tls": frozenset({"server.key"}),
    "tls/proxy": frozenset({"server.key"}),
    "tls/milvus": frozenset({"etcd-client.key", "internal.key", "kafka-client.key"}),
    "tls/etcd": frozenset({"server.key"}),
    "tls/object-store": frozenset({"private.key"}),
    "tls/object-store/private.key": frozenset({"private.key"}),
    "tls/kafka": frozenset({"kafka.keystore.key", "keystore.pem"}),
}
_FLAGS = re.compile(
    r" (?:--(?:cacert|cert|key|certs-dir|command-config)[= ]\S+|-(?:s3\.)?(?:cert|key)\.file=\S+"
    r"|--no-check-certificate)"
)
_MC = re.compile(r"env SSL_CERT_FILE=\S+ MC_HOST_local=\S+ (?=(?:\S*/)?mc )")
_STORE_CA = "tls/object-store/CAs"


def kind(service: Mapping[str, Any]) -> str:
    """What a service is, by its image, else by its command."""
    image = str(service.get("image") or "").partition("@")[0].rpartition("/")[2].lower()
    words = " ".join([*(service.get("entrypoint") or ()), *(service.get("command") or ())])
    if "milvus run" in words or re.match(r"milvus(?::|$)", image):
        return "milvus"
    if "mc alias" in words and "minio server" not in words:
        return "other"
    for name, pattern in {
        "etcd": r"etcd",
        "store": r"minio(?!-console)|rustfs|seaweedfs",
        "kafka": r"kafka(?!-ui)|cp-kafka",
    }.items():
        if re.match(pattern, image):
            return name
    return "etcd" if re.search(r"(?:^|[\s/])etcd\s", words) else "other"


def check_model(
    before: Mapping[str, Any], after: Mapping[str, Any], project: Path, switched: set[str]
) -> None:
    """Fail where something changed that was not to.

    Args:
        before: Compose's model of the project as it was.
        after: That of the project that speaks TLS.
        project: Its directory.
        switched: The services that talk to Milvus, and are switched with it.
    """
    old, new = copy.deepcopy(dict(before)), copy.deepcopy(dict(after))
    services = new.pop("services")
    plain = old.pop("services")
    assert new == old
    assert services.keys() == plain.keys()
    for name, service in services.items():
        what = kind(plain[name])
        if what == "other" and name not in switched and not _uses_store(service, project):
            assert service == plain[name], name
            continue
        _check_mounts(name, what, plain[name], service, project)
        _check_variables(name, what, plain[name], service)
        assert _without_tls(service) == _without_tls(plain[name]), name


def _uses_store(service: Mapping[str, Any], project: Path) -> bool:
    """Whether a service is told of the CA of the object store."""
    mounts = service.get("volumes") or []
    return any(mount.get("source") == str(project / _STORE_CA) for mount in mounts)


def _check_mounts(
    name: str, what: str, old: Mapping[str, Any], new: Mapping[str, Any], project: Path
) -> None:
    kept = old.get("volumes") or []
    come = [mount for mount in new.get("volumes") or [] if mount not in kept]
    assert all(mount in new["volumes"] for mount in kept), name
    seen: set[Path] = set()
    for mount in come:
        source = Path(mount["source"])
        assert mount["type"] == "bind"
        assert source.exists(), source
        folder = source.relative_to(project).as_posix()
        if what == "other":
            assert folder in {f"tls-clients/{name}", _STORE_CA}
            assert mount.get("read_only") is True
        elif folder != "milvus.yaml":
            assert folder in _FOLDERS[what], (name, folder)
        for file in [source] if source.is_file() else source.rglob("*"):
            if file.is_file() and b"PRIVATE KEY" in file.read_bytes():
                own = _KEYS.get(folder, frozenset({"client.key"}))
                assert file.name in own, (name, file)
                seen.add(file)
    assert len({mount["target"] for mount in new.get("volumes") or []}) == len(
        new.get("volumes") or []
    ), name
    for place in _named_files(new):
        on_host = _on_host(place, come)
        assert on_host is None or on_host.exists(), (name, place)


def _named_files(service: Mapping[str, Any]) -> Iterator[str]:
    """The paths in the container that variables and command lines name."""
    test = (service.get("healthcheck") or {}).get("test") or ()
    texts = [*(service.get("command") or ()), *test, *(service.get("environment") or {}).values()]
    for text in texts:
        yield from re.findall(r"/[\w./-]+\.(?:pem|key|crt)", str(text))


def _on_host(file: str, mounts: list[Any]) -> Path | None:
    for mount in mounts:
        if file == mount["target"] or file.startswith(f"{mount['target']}/"):
            return Path(mount["source"] + file.removeprefix(mount["target"]))
    return None


def _check_variables(name: str, what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    had, has = old.get("environment") or {}, new.get("environment") or {}
    assert had.keys() <= has.keys(), name
    for variable, value in has.items():
        if value == had.get(variable):
            continue
        if _NAMES[what].fullmatch(variable):
            continue
        was = str(had.get(variable, "http://") or "")
        bare = what == "other" and value == was.removeprefix("http://")
        assert bare or value.replace("https://", "http://").startswith(was[:7]), (name, variable)
        assert bare or "http://" not in value.replace("https://", ""), (name, variable)


def _without_tls(service: Mapping[str, Any]) -> dict[str, Any]:
    """A service without what may change, and with its plain text written as TLS."""
    found = dict(service)
    for name in ("environment", "volumes"):
        found.pop(name, None)
    for name in ("command", "entrypoint"):
        if found.get(name):
            found[name] = _plain(found[name])
    if (found.get("healthcheck") or {}).get("test"):
        found["healthcheck"] = {
            **found["healthcheck"],
            "test": _plain(found["healthcheck"]["test"]),
        }
    return found


def _plain(words: list[str]) -> str:
    text = " ".join(words).replace("https://", "http://")
    return _MC.sub("", _FLAGS.sub("", text))
