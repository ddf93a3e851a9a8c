"""What ``connect`` prints, run as it is printed, against a real server in each mode.

The server is the embedded one. In mode 2 it asks for a token too, and its certificate is verified
under a name that is not its host. Java and Go are compiled against stand-ins of their SDKs, which
no package registry of a test machine needs to have; C# is only read (tests/unit/sdk).
"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from compose_tls.testing.embedded import embedded_server
from tests.e2e.conftest import missing
from tests.e2e.session import FIXTURES, Done, Project, run
from tests.e2e.test_embedded import wheel
from tests.judges.programs import GO_SETTINGS, go, go_command, require

pytestmark = pytest.mark.own_ports

__all__ = ["wheel"]

STUBS = Path(__file__).with_name("sdk-stubs")
CREDENTIALS = "root:Milvus"
LIST = "\nprint(client.list_collections())"


@dataclass(frozen=True, slots=True)
class Serving:
    """An enabled project whose server runs where its compose file says."""

    project: Project
    mode: str
    port: int

    def text(self, lang: str) -> str:
        """What connect prints."""
        done = self.project.compose_tls("connect", "--lang", lang)
        assert done.code == 0, done.err
        return done.out

    def run(self, *command: str | Path, stdin: str = "", token: str | None = CREDENTIALS) -> Done:
        """Run a client elsewhere; where the server asks for a token, it is in the environment."""
        environment = {"MILVUS_TOKEN": token} if token and self.mode == "2" else {}
        directory = self.project.directory.parent
        return run(list(map(str, command)), directory, stdin=stdin, environment=environment)


FRAMEWORKS = ("langchain-milvus", "llama-index-vector-stores-milvus")
NODE_SDKS = ("2.3.5", "3.0.6")
Installed = Callable[[str], Path]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Gives places with an SDK in them; all are being installed while the first tests run."""
    wanted: dict[str, Callable[[], Path]] = {
        "python": lambda: install_frameworks(tmp_path_factory.mktemp("python")),
        **{
            version: partial(install_node_sdk, tmp_path_factory.mktemp("node"), version)
            for version in NODE_SDKS
        },
    }
    with ThreadPoolExecutor() as pool:
        found = {name: pool.submit(install) for name, install in wanted.items()}

        def get(name: str) -> Path:
            try:
                return found[name].result()
            except InstallFailedError as error:
                missing(str(error))
                raise

        yield get


class InstallFailedError(Exception):
    """What is missing, and why."""


def install_frameworks(directory: Path) -> Path:
    """A throw-away environment upon what is installed here."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
    python = directory / "bin" / "python"
    own = sysconfig.get_path("purelib", vars={"base": str(directory)})
    Path(own, "parent.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    done = run([*pip, "--quiet", "--no-compile", *FRAMEWORKS], directory)
    if done.code:
        raise InstallFailedError(f"{FRAMEWORKS} cannot be installed: {done.err.strip()[-200:]}")
    return python


def install_node_sdk(directory: Path, version: str) -> Path:
    """A place for modules beside a version of the SDK."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise InstallFailedError("there is no node with npm here")
    package = f"@zilliz/milvus2-sdk-node@{version}"
    (directory / "package.json").write_text("{}", encoding="utf-8")
    options = ["--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = run(["npm", "install", *options, package], directory)
    if done.code:
        # Registries have bad moments.
        done = run(["npm", "install", *options, package], directory)
    if done.code:
        raise InstallFailedError(f"{package} cannot be installed: {done.err.strip()[-200:]}")
    return directory


@pytest.fixture(scope="module", params=["1", "2"])
def serving(
    request: pytest.FixtureRequest,
    wheel: None,
    installed: Installed,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Serving]:
    """A server in each mode, in a directory whose name has to be quoted."""
    mode: str = request.param
    directory: Path = tmp_path_factory.mktemp("connect") / 'o\'hara "ü" $HOME'
    directory.mkdir()
    compose = directory / "docker-compose.yml"
    shutil.copy(FIXTURES / compose.name, compose)
    settings = (FIXTURES / "milvus.yaml").read_text(encoding="utf-8")
    names = []
    if mode == "2":
        settings = settings.replace("authorizationEnabled: false", "authorizationEnabled: true")
        names = ["--server-name", "milvus.test"]
    (directory / "milvus.yaml").write_text(settings, encoding="utf-8")
    project = Project(directory)
    enabled = project.compose_tls("enable", "--mode", mode, "--rest-port", free_port(), *names)
    assert enabled.code == 0, enabled.err
    with embedded_server(directory) as server:
        text = compose.read_text(encoding="utf-8")
        compose.write_text(text.replace('"19530:', f'"{server.port}:'), encoding="utf-8")
        yield Serving(project, mode, server.port)


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def require_success(done: Done) -> str:
    assert done.code == 0, done.out + done.err
    return done.out


def test_python(serving: Serving) -> None:
    out = require_success(serving.run(sys.executable, "-c", serving.text("python") + LIST))

    assert out == "Milvus v2.3.5-lite\n[]\n"


def test_python_async(serving: Serving) -> None:
    assert (
        require_success(serving.run(sys.executable, "-c", serving.text("python-async"))) == "[]\n"
    )


def test_the_token_of_a_snippet_is_what_lets_it_in(serving: Serving) -> None:
    done = serving.run(sys.executable, "-c", serving.text("python") + LIST, token="root:wrong")

    assert (done.code == 0) is (serving.mode == "1")
    assert ("auth check failure" in done.err) is (serving.mode == "2")


def test_curl_over_rest(serving: Serving) -> None:
    text = serving.text("curl")

    assert "/v1/vector/collections" in text
    out = require_success(serving.run("sh", "-c", text))
    assert json.loads(out) == {"code": 200, "data": []}


def test_curl_refuses_a_server_that_its_ca_has_not_signed(serving: Serving) -> None:
    text = serving.text("curl").replace("/ca.pem", "/client.pem")

    done = serving.run("sh", "-c", text)

    # https://curl.se/libcurl/c/libcurl-errors.html: CURLE_PEER_FAILED_VERIFICATION
    assert done.code == 60, done.out + done.err


def test_curl_over_grpc(serving: Serving) -> None:
    compose = serving.project.directory / "docker-compose.yml"
    before = compose.read_text(encoding="utf-8")
    # Where REST is not published, curl has gRPC alone.
    recorded = json.loads((serving.project.directory / "cert" / "state.json").read_bytes())
    rest = recorded["settings"]["rest_port"]
    compose.write_text(before.replace(f'"{rest}:{rest}"', '"1:1"'), encoding="utf-8")
    try:
        text = serving.text("curl")
    finally:
        compose.write_text(before, encoding="utf-8")

    assert "REST is off" in text
    assert require_success(serving.run("sh", "-c", text)) == "v2.3.5-lite\n"


def test_env(serving: Serving) -> None:
    """A gRPC application without certificate options, in mode 1; in mode 2, one that has them."""
    code = (
        "import os; from pymilvus import MilvusClient\n"
        "e = os.environ; client = MilvusClient(uri=e['MILVUS_URI'], secure=True"
    )
    if serving.mode == "2":
        code += (
            ", server_name=e['MILVUS_SERVER_NAME'], ca_pem_path=e['MILVUS_CA_PEM'],"
            " client_pem_path=e['MILVUS_CLIENT_PEM'], client_key_path=e['MILVUS_CLIENT_KEY'],"
            " token=e['MILVUS_TOKEN']"
        )
    script = f'set -a\n{serving.text("env")}\nexec "$0" -c "$1"'

    assert (
        require_success(serving.run("sh", "-c", script, sys.executable, f"{code}){LIST}")) == "[]\n"
    )


def test_langchain(serving: Serving, installed: Installed) -> None:
    code = serving.text("langchain") + "\nprint(vector_store.client.list_collections())"

    assert require_success(serving.run(installed("python"), "-c", code)) == "[]\n"


# In one mode alone: its collection takes the server seconds.
@pytest.mark.parametrize("serving", ["2"], indirect=True)
def test_llamaindex(serving: Serving, installed: Installed) -> None:
    code = (
        serving.text("llamaindex")
        + "\nprint(vector_store.client.list_collections())"
        + "\nvector_store.client.drop_collection('llamacollection')"
    )

    assert require_success(serving.run(installed("python"), "-c", code)) == "['llamacollection']\n"


@pytest.mark.parametrize("version", NODE_SDKS)
def test_node(serving: Serving, installed: Installed, version: str) -> None:
    module = installed(version) / f"connect-{serving.mode}.mjs"
    module.write_text(
        serving.text("node")
        + "\nconst found = await client.showCollections();"
        + "\nconsole.log(found.status.error_code, found.data.length);"
        + "\nprocess.exit(0);\n",
        encoding="utf-8",
    )

    assert require_success(serving.run("node", module)) == "Success 0\n"


def test_java_with_a_stand_in_for_its_sdk(serving: Serving, tmp_path: Path) -> None:
    """The real SDK is not run: Maven's registry is not among those that a test machine needs."""
    if shutil.which("javac") is None:
        missing("there is no Java compiler here")
    program = tmp_path / "Connect.java"
    program.write_text(serving.text("java"), encoding="utf-8")
    sources = [program, *(STUBS / "java").rglob("*.java")]
    require_success(serving.run("javac", "-Werror", "-Xlint:all", "-d", tmp_path, *sources))

    out = require_success(serving.run("java", "-cp", tmp_path, "Connect"))

    told = dict(line.split("=", 1) for line in out.strip("[]\n").split(", "))
    values = {name: base64.b64decode(value).decode() for name, value in told.items()}
    cert = serving.project.directory / "cert"
    mutual = {
        "caPemPath": str(cert / "ca.pem"),
        "clientPemPath": str(cert / "client.pem"),
        "clientKeyPath": str(cert / "client.key"),
        "serverName": "milvus.test",
        "token": CREDENTIALS,
    }
    one_way = {"serverPemPath": str(cert / "ca.pem"), "serverName": "localhost"}
    assert values == {
        "uri": f"https://localhost:{serving.port}",
        **(mutual if serving.mode == "2" else one_way),
    }


def test_go_with_a_stand_in_for_its_sdk(serving: Serving, tmp_path: Path) -> None:
    """The stand-in shakes hands with the server, in the configuration that the program gives it."""
    require(go())
    program = tmp_path / "main.go"
    program.write_text(serving.text("go"), encoding="utf-8")
    shutil.copytree(STUBS / "go", tmp_path, dirs_exist_ok=True)
    formatter = Path(require_success(run([go_command(), "env", "GOROOT"], tmp_path)).strip())
    assert require_success(run([str(formatter / "bin" / "gofmt"), "-d", "main.go"], tmp_path)) == ""
    build = [go_command(), "build", "-o", "connect", "."]
    require_success(run(build, tmp_path, environment=GO_SETTINGS))

    assert require_success(serving.run(tmp_path / "connect")) == "[h2]\n"


def test_compose_takes_the_service_of_attu(serving: Serving, tmp_path: Path) -> None:
    compose = ["docker", "compose"]
    if shutil.which("docker") is None or run([*compose, "version"], tmp_path).code:
        missing("there is no Docker Compose here")
    attu = tmp_path / "attu.yml"
    attu.write_text(serving.text("attu"), encoding="utf-8")
    files = ("-f", serving.project.directory / "docker-compose.yml", "-f", attu)

    done = serving.run(*compose, *files, "config", "--format", "json")

    mounts = json.loads(require_success(done))["services"]["attu"]["volumes"]
    names = ["ca.pem", "client.pem", "client.key"][: 3 if serving.mode == "2" else 1]
    assert [mount["source"] for mount in mounts] == [
        # Compose writes what it has read, so that a dollar sign is two again.
        str(serving.project.directory / "cert" / name).replace("$", "$$")
        for name in names
    ]
