"""A thousand client certificates, against openssl called in a loop as people script it.

Both sides run by turns, in batches, so that whatever else the machine does falls on both; both write a
key and a certificate on P-256 for each client, below the CA of one project. Run it with

    python benchmarks/client_certificates.py [CLIENTS]

Our side is the whole command, from its start to the last file on the disk.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_BATCHES = 4
_FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
_SUBJECT = "/C=CN/ST=Shanghai/L=Shanghai/O=milvus/OU=milvus/CN={name}"
_EXTENSIONS = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
subjectAltName=DNS:{name}.client.milvus.internal
"""


def main() -> None:
    """Time both sides and print the ratio."""
    clients = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        project = Path(name)
        shutil.copy(_FIXTURES / "docker-compose.yml", project)
        compose_tls(project, "enable", "--mode", "2")
        (project / "names").write_text("".join(f"ours-{number}\n" for number in range(clients)))
        looped = 0.0
        runs = []
        for batch in range(_BATCHES):
            began = time.perf_counter()
            for number in range(clients // _BATCHES):
                with_openssl(project, f"loop-{batch}-{number}")
            looped += time.perf_counter() - began
            began = time.perf_counter()
            compose_tls(project, "client", "--names-file", "names", "--force")
            runs.append(time.perf_counter() - began)
        ours = sum(runs) / len(runs)
    print(f"openssl in a loop: {looped:6.1f} s for {clients} clients")
    print(f"compose-tls:       {ours:6.1f} s, the mean of {len(runs)} runs")
    print(f"ratio:             {ours / looped:6.3f} (wanted: below 0.1)")


def compose_tls(project: Path, *arguments: str) -> None:
    """Run our command line in the project."""
    command = [sys.executable, "-m", "compose_tls", *arguments, "-q"]
    subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)


def with_openssl(project: Path, name: str) -> None:
    """A key, a request and a certificate, as in the guide's gen.sh."""
    Path(project / "extensions").write_text(_EXTENSIONS.format(name=name))
    for command in (
        f"ecparam -name prime256v1 -genkey -noout -out {name}.key",
        f"req -new -key {name}.key -subj {_SUBJECT.format(name=name)} -out {name}.csr",
        (
            f"x509 -req -in {name}.csr -CA cert/ca.pem -CAkey cert/ca.key -CAcreateserial -days 825 "
            f"-extfile extensions -out {name}.pem"
        ),
    ):
        subprocess.run(["openssl", *command.split()], cwd=project, check=True, capture_output=True)


if __name__ == "__main__":
    main()
