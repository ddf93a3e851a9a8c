"""Lays the files of a `milvus` wheel, 2.2 or 2.3, out as in the official image: bin/, lib/ and configs/.

The wheel's milvus.yaml is a template for a server with everything inside one process. Here its
blanks get their defaults or the paths of the image, and etcd and object storage become external.
"""

import lzma
import re
import shutil
import sys
from pathlib import Path

# Blanks without a default, and those whose default fits the wheel but not the image.
BLANKS = {
    "etcd_data_dir": "default.etcd",
    "local_storage_dir": "/var/lib/milvus/data/",
    "rocksmq_data_dir": "/var/lib/milvus/rdb_data",
    "system_log_path": "",
    "server_pem_path": "configs/cert/server.pem",
    "server_key_path": "configs/cert/server.key",
    "ca_pem_path": "configs/cert/ca.pem",
    # What the template of 2.2 has no defaults for: those of the milvus.yaml in its release.
    "etcd_log_path": "stdout",
    "rocketmq_data_dir": "/var/lib/milvus/rdb_data",
    "root_coord_port": "53100",
    "query_coord_port": "19531",
    "query_node_port": "21123",
    "index_coord_port": "31000",
    "index_node_port": "21121",
    "data_coord_port": "13333",
    "data_node_port": "21124",
    "log_stdout": "true",
}
EXTERNAL = {
    "    embed: true ": "    embed: false ",
    "  storageType: local": "  storageType: remote",
}


def blank(match: re.Match[str]) -> str:
    return BLANKS.get(match["key"]) or match["default"] or ""


def main(data: Path, target: Path) -> None:
    for folder in ("bin", "lib", "configs"):
        (target / folder).mkdir(parents=True, exist_ok=True)
    for packed in (data / "bin").glob("*.lzma"):
        file = target / ("bin" if packed.stem == "milvus" else "lib") / packed.stem
        with lzma.open(packed) as source, file.open("wb") as sink:
            shutil.copyfileobj(source, sink)
        file.chmod(0o755)
    text = (data / "config.yaml.template").read_text(encoding="utf-8")
    text = re.sub(r"\{\{ (?P<key>\w+)(\(\w+\))?(: ?(?P<default>[^}]*?))? }}", blank, text)
    for embedded, external in EXTERNAL.items():
        if text.count(embedded) != 1:
            sys.exit(f"{data}: {embedded.strip()!r} is not there exactly once")
        text = text.replace(embedded, external)
    (target / "configs" / "milvus.yaml").write_text(text, encoding="utf-8")
    # The server dies at start without this file; the wheel's writes to a folder the image lacks.
    (target / "configs" / "glog.conf").write_text("--logtostderr=true\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
