"""Servers that look like an encrypted Milvus and are not, and those that are: each gets its verdict.

Nothing is green here that is red, and none of the honest ones is red.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from compose_tls.changes import CertificateOrder
from compose_tls.checks import tls_client
from compose_tls.checks.check_target import Target
from compose_tls.checks.probes import client_authorities
from compose_tls.checks.run import run
from compose_tls.pki import handshake
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_all
from compose_tls.pki.load import certificate_facts
from compose_tls.results import Probe
from tests.dishonest.fronts import (
    Choice,
    Route,
    also,
    by_chance,
    carried,
    demand_certificate,
    ending_tls,
    front,
    in_turns,
    judging,
    passed_on,
    passes_on_to,
    plain_too,
)
from tests.moment import NOW
from tests.patience import SOON
from tests.unit.checks.conftest import Pki
from tests.unit.checks.servers import (
    ANSWERS,
    HOST,
    OK_STATUS,
    SETTINGS,
    Script,
    ServerFiles,
    closed_port,
    grpc_server,
    hangs_up,
    listening,
    over_tls,
    over_tls_alone,
    says,
    says_and_hangs_up,
)
from tests.unit.pki.minting import mint, parsed

Verdict = Mapping[str, str]
"""What fails, and a part of what is said."""


class Everything(dict[str, Any]):
    """The same answer to every call."""

    def __init__(self, answer: Any) -> None:
        super().__init__(any=answer)
        self._answer = answer

    def __contains__(self, _: object) -> bool:
        return True

    def __getitem__(self, _: str) -> Any:
        return self._answer


@dataclass(slots=True)
class Scene:
    """Servers that run until the test ends."""

    pki: Pki
    another: Pki
    expired: Pki
    directory: Path
    stack: ExitStack = field(repr=False)

    def milvus(
        self, mode: int = 1, answers: Mapping[str, Any] = ANSWERS, files: ServerFiles | None = None
    ) -> int:
        return self.stack.enter_context(grpc_server(files or self.pki.server, mode, answers)).port

    def plain(self) -> int:
        return self.stack.enter_context(grpc_server(None, 0)).port

    def front(self, choose: Choice, **different: Any) -> int:
        return self.stack.enter_context(front(choose, **different))

    def script(self, script: Script) -> int:
        return self.stack.enter_context(listening(script))

    def naming(self, ca: Path) -> int:
        """OpenSSL's server, which names the CAs whose clients it accepts; it speaks no gRPC."""
        if shutil.which("openssl") is None:
            pytest.skip("the openssl command is not installed")
        server = self.pki.server
        command: list[str | Path] = [
            "openssl",
            "s_server",
            "-accept",
            f"{HOST}:0",
            "-CAfile",
            ca,
            "-Verify",
            "1",
        ]
        command += ["-cert", server.certificate, "-key", server.key, "-naccept", "1000"]
        return self.stack.enter_context(_started(command))

    def trusting_more(self) -> ServerFiles:
        """A server that accepts the clients of a further CA."""
        both = self.directory / "both.pem"
        both.write_bytes(
            self.pki.path("ca.pem").read_bytes() + self.another.path("ca.pem").read_bytes()
        )
        return ServerFiles(self.pki.path("server.pem"), self.pki.path("server.key"), both)

    def target(self, port: int, mode: int = 1, **changes: Any) -> Target:
        return self.pki.target(port, mode, **changes)


@contextmanager
def _started(command: Sequence[str | Path]) -> Iterator[int]:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout
            for line in process.stdout:
                if line.startswith(b"ACCEPT "):
                    yield int(line.rpartition(b":")[2])
                    return
            pytest.fail("it ended before it printed a port")
        finally:
            process.kill()


@pytest.fixture
def scene(pki: Pki, another_pki: Pki, expired_pki: Pki, tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(pki, another_pki, expired_pki, tmp_path, stack)


def checked(target: Target, timeout: float = 4) -> dict[str, Probe]:
    return {check.name: check for check in run(target, now=NOW, timeout=timeout)}


Make = Callable[[Scene], Target]

_UNKNOWN = {"grpc-ready": "speaks TLS, but does not answer like Milvus"}
_PLAIN = {"refuses-plain-text": "the server answers in plain text"}
_ANY_CLIENT = {"refuses-anonymous-client": "the server accepted it"}
_WORDS = "auth check failure, please check api key is correct"
_RSA_WITH_SHA256 = x509.SignatureAlgorithmOID.RSA_WITH_SHA256
_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
_MOVED = b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://localhost/\r\n\r\n"
_GRPC_WEB = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: 0\r\n\r\n"
)
# RFC 9113 section 6: HEADERS with :status 200 and DATA for the first stream; GOAWAY.
_HTTP2_PAGE = b"\0\0\x01\x01\x04\0\0\0\x01\x88" + b"\0\0\x02\0\x01\0\0\0\x01ok"
# :status by its index, behind a new size of the table, and as text (RFC 7541 section 6).
_STATUS_200, _STATUS_400, _STATUS_403 = (
    bytes((0, 0, len(block), 1, 4, 0, 0, 0, 1)) + block
    for block in (b"\x88", b"\x20\x8c", b"\x48\x03403")
)
_GOAWAY = b"\0\0\x08\x07\0\0\0\0\0" + bytes(8)
_OLD_HELLO = bytes.fromhex("160302003102") + bytes.fromhex("00002d0302") + bytes(43)


def answering(answers: Mapping[str, Any], **changes: Any) -> Make:
    return lambda scene: scene.target(scene.milvus(answers=answers), **changes)


def beside(route: Route, mode: int = 1) -> Make:
    """Plain text is answered beside TLS."""
    return lambda scene: scene.target(scene.front(plain_too(route, scene.milvus(mode))), mode)


def answers_the_call_alone(connection: socket.socket) -> None:
    """A plain gRPC server that says nothing before it has a request (a HEADERS frame)."""
    data = b""
    while len(data) < 60:
        more = connection.recv(4096)
        if not more:
            return
        data += more
    connection.sendall(SETTINGS)


def answers_one_path(connection: socket.socket) -> None:
    """Plain HTTP for REST alone; all else is told to use TLS."""
    request = connection.recv(4096)
    connection.sendall(_PAGE if b"/v1/" in request else b"HTTP/1.1 400 Bad Request\r\n\r\n")


def answers_a_post(connection: socket.socket) -> None:
    """The same for REST of today."""
    request = connection.recv(4096)
    connection.sendall(
        _PAGE if request.startswith(b"POST /v2/") else b"HTTP/1.1 400 Bad Request\r\n\r\n"
    )


def goes_on_in_http2(connection: socket.socket) -> None:
    """Says nothing in plain text but to those who ask for an upgrade (RFC 7540 section 3.2)."""
    if b"Upgrade: h2c" in connection.recv(4096):
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + SETTINGS)


def speaks_old_tls(mode: int) -> Make:
    def hello(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(_OLD_HELLO)

    def choose(scene: Scene) -> Target:
        port = scene.milvus(mode)

        def route(_: int, first: bytes) -> Route:
            # The version in the message, behind both heads: what nobody sends who knows TLS 1.2.
            return hello if first[9:11] == b"\x03\x02" else port

        return scene.target(scene.front(route), mode)

    return choose


def optional(scene: Scene) -> int:
    """Asks for a certificate, and takes none as well."""
    context = scene.pki.server.context(2)
    context.verify_mode = ssl.CERT_OPTIONAL
    return scene.front(passes_on_to(ending_tls(context, scene.plain())))


def without_dates(scene: Scene) -> int:
    """Verifies chains, and no dates: as a front does that is told to overlook what has expired."""
    context = scene.pki.server.context(2)
    context.verify_flags |= ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME of x509_vfy.h
    return scene.front(passes_on_to(ending_tls(context, scene.plain())))


def judged(rule: Callable[[x509.Certificate, list[x509.Certificate], Scene], bool]) -> Make:
    """A front that lets in the right client, and whom it takes for one by its own rule."""

    def make(scene: Scene) -> Target:
        client = right(scene, "client.pem")

        def judge(leaf: x509.Certificate, sent: list[x509.Certificate]) -> bool:
            return leaf == client or rule(leaf, sent, scene)

        context = judging(scene.pki.server.context(2), judge)
        return scene.target(scene.front(passes_on_to(ending_tls(context, scene.plain()))), 2)

    return make


def right(scene: Scene, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(scene.pki.path(name).read_bytes())


def value(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> object:
    """What an extension says; what only this one certificate says, where it has none."""
    with contextlib.suppress(x509.ExtensionNotFound):
        return certificate.extensions.get_extension_for_class(kind).value
    return object()


def has_issued(issuer: x509.Certificate, leaf: x509.Certificate) -> bool:
    with contextlib.suppress(ValueError, TypeError, InvalidSignature):
        leaf.verify_directly_issued_by(issuer)
        return True
    return False


def unreadable(scene: Scene) -> ssl.SSLContext:
    """A server whose certificate has constraints under the identifier of its names (RFC 5280)."""
    pair = mint(issuer=None)
    der = parsed(pair.certificate_pem).public_bytes(Encoding.DER)
    bad = der.replace(b"\x55\x1d\x13", b"\x55\x1d\x1e", 1)
    assert bad != der
    certificate, key = scene.directory / "bad.pem", scene.directory / "bad.key"
    certificate.write_text(ssl.DER_cert_to_PEM_cert(bad))
    key.write_bytes(pair.private_key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    return context


def on_both_loopbacks(scene: Scene) -> Target:
    """``localhost`` is a good server by IPv4, and one in plain text by IPv6."""
    port = scene.milvus()
    plain = scene.plain()
    scene.front(passes_on_to(plain), host="::1", port=port)
    return scene.target(port, host="localhost")


def slowly(connection: socket.socket) -> None:
    """A byte now and then of a handshake that never ends."""
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"\x16")
            time.sleep(0.3)


def without_end(connection: socket.socket) -> None:
    """An answer that never ends, in place of a handshake."""
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"\x16\x03\x03\x40\x00" + bytes(0x4000))


def closes_one_half(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def upgrades(connection: socket.socket) -> None:
    """Plain text that offers to go on in TLS (RFC 2817)."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n\r\n")


def speaks_first_in_plain_text(connection: socket.socket) -> None:
    connection.sendall(b"220 milvus ESMTP\r\n")
    connection.recv(4096)


def only_old_tls(connection: socket.socket) -> None:
    """Nothing newer than TLS 1.1: the alert protocol_version for all else (RFC 5246 section 7.2.2)."""
    first = connection.recv(4096)
    old = first[9:11] == b"\x03\x02"
    connection.sendall(_OLD_HELLO if old else bytes.fromhex("15030200020246"))


def over_tls_saying(scene: Scene, answer: bytes, mode: int = 1) -> Target:
    script = over_tls(scene.pki.server.context(mode), says_and_hangs_up(answer))
    return scene.target(scene.script(script), mode)


def by_a_ticket(scene: Scene) -> int:
    """Clients that show no certificate are let in, and asked for none."""
    context = scene.pki.server.context(1)
    context.num_tickets = 4
    return scene.front(passes_on_to(ending_tls(context, scene.plain())))


# What a ClientHello of OpenSSL and gRPC holds: RFC 7301 section 3.1, RFC 6066 section 3, and RFC 8446
# section 4.2.1 (TLS 1.3, then 1.2).
_ALPN = b"\x02h2"
_HTTP_1_1 = b"\x08http/1.1"
_SNI = b"\0\x0c\0\0\x09localhost"
_TLS_1_3 = b"\x04\x03\x04\x03\x03"


def for_those_without(marker: bytes, other: Callable[[Scene], int]) -> Make:
    """A front that leads to another server whoever does not send something."""

    def make(scene: Scene) -> Target:
        port, otherwise = scene.milvus(2), other(scene)

        def script(connection: socket.socket) -> None:
            hello = connection.recv(4096, socket.MSG_PEEK)
            passed_on(connection, port if marker in hello else otherwise)

        return scene.target(scene.front(passes_on_to(script)), 2)

    return make


def by_http1(scene: Scene) -> Target:
    """A front that leads to REST, for anyone, who speaks nothing newer than HTTP/1.1."""
    port, context = scene.milvus(2), scene.pki.server.context(1)
    context.set_alpn_protocols(["http/1.1"])
    rest = scene.front(passes_on_to(over_tls(context, says_and_hangs_up(_JSON))))

    def script(connection: socket.socket) -> None:
        hello = connection.recv(4096, socket.MSG_PEEK)
        passed_on(connection, rest if _HTTP_1_1 in hello and _ALPN not in hello else port)

    return scene.target(scene.front(passes_on_to(script)), 2)


def of_two_names(scene: Scene) -> ServerFiles:
    """A server that has a further name."""
    orders = [CertificateOrder("server", "CN=server", "ecdsa-p256", 9, ("localhost", "milvus"))]
    ca = CertificateWithKey(*(scene.pki.path(f"ca.{kind}").read_bytes() for kind in ("pem", "key")))
    made = issue_all(orders, ca, NOW)["server"]
    certificate, key = scene.directory / "two.pem", scene.directory / "two.key"
    certificate.write_bytes(made.full_chain_pem)
    key.write_bytes(made.private_key_pem)
    return ServerFiles(certificate, key, scene.pki.path("ca.pem"))


def by_another_name(scene: Scene) -> Target:
    """A front with other rules for another name of the server."""
    files = of_two_names(scene)
    port, other = scene.milvus(2, files=files), scene.milvus(1, files=files)

    def script(connection: socket.socket) -> None:
        hello = connection.recv(4096, socket.MSG_PEEK)
        passed_on(connection, other if b"\0\x06milvus" in hello else port)

    sha256 = certificate_facts(files.certificate.read_bytes(), path="two.pem").sha256
    return scene.target(scene.front(passes_on_to(script)), 2, expected_sha256=sha256)


def turning_away(answer: bytes, *, everyone: bool = False) -> Make:
    """nginx with ssl_verify_client: whoever shows no right certificate gets a status for each call."""

    def make(scene: Scene) -> Target:
        context, behind = scene.pki.server.context(2), scene.plain()
        context.verify_mode = ssl.CERT_OPTIONAL

        def script(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as secured:
                if secured.getpeercert() and not everyone:
                    carried(secured, behind)
                    return
                secured.sendall(SETTINGS)
                asked = b""
                while b"application/grpc" not in asked and (more := secured.recv(4096)):
                    asked += more
                secured.sendall(answer)
                secured.recv(4096)

        return scene.target(scene.front(passes_on_to(script)), 2)

    return make


def another_site(scene: Scene) -> int:
    """A site beside Milvus, with a certificate of its own, that asks for none."""
    return scene.milvus(1, files=scene.another.server)


def with_sites(*, of_no_name: bool, shared: bool) -> Make:
    """A front with a site beside Milvus that asks for no certificate, one key for the tickets of both."""

    def make(scene: Scene) -> Target:
        behind, asked = scene.plain(), scene.pki.server.context(2)
        first = scene.another.server.context(1)
        for context in () if shared else (first, asked):
            context.num_tickets = 0
        wanted = threading.local()

        def choose(secured: Any, name: str | None, _: object) -> int | None:
            wanted.name = name
            if name == "localhost":
                secured.context = asked
                demand_certificate(secured)
            elif name is None and not of_no_name:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            return None

        first.sni_callback = choose

        def script(connection: socket.socket) -> None:
            with first.wrap_socket(connection, server_side=True) as secured:
                if wanted.name == "localhost":
                    carried(secured, behind)
                else:
                    secured.sendall(SETTINGS + _STATUS_400)
                    secured.recv(4096)

        return scene.target(scene.front(passes_on_to(script)), 2)

    return make


def with_a_group_of_its_own(scene: Scene) -> int:
    """Asks once more for a key of its own group: HelloRetryRequest (RFC 8446 section 4.1.4)."""
    context = scene.pki.server.context(2)
    # OpenSSL guesses X25519 first; gRPC up to 1.71 has this one alone.
    context.set_ecdh_curve("prime256v1")
    return scene.front(passes_on_to(ending_tls(context, scene.plain())))


DISHONEST: Mapping[str, tuple[Make, Verdict]] = {
    **{
        f"goes on with a session of another site, begun {way}": (
            with_sites(of_no_name=of_no_name, shared=True),
            {"refuses-anonymous-client": f"with a session begun {way}"},
        )
        for way, of_no_name in (
            ("without a server name (SNI)", True),
            ("as another server (SNI)", False),
        )
    },
    "lets anyone in who announces HTTP/1.1": (
        by_http1,
        {
            "refuses-anonymous-client": "by HTTP/1.1",
            "refuses-foreign-client": "by HTTP/1.1",
            "refuses-expired-client": "by HTTP/1.1",
        },
    ),
    "lets anyone in who asks for another name of it": (
        by_another_name,
        {
            "refuses-anonymous-client": "as milvus (SNI)",
            "refuses-foreign-client": "as milvus (SNI)",
        },
    ),
    "serves whoever shows no certificate": (turning_away(_STATUS_200), _ANY_CLIENT),
    "turns everyone away": (
        turning_away(_STATUS_400, everyone=True),
        {**_ANY_CLIENT, "grpc-ready": "status: 400"},
    ),
    "answers a POST of REST in plain text beside TLS": (beside(answers_a_post), _PLAIN),
    "lets anyone in who speaks TLS 1.2": (
        for_those_without(_TLS_1_3, lambda scene: scene.milvus(1)),
        {
            "refuses-anonymous-client": "by TLS 1.2",
            "refuses-foreign-client": "by TLS 1.2",
            "refuses-expired-client": "by TLS 1.2",
        },
    ),
    "lets anyone in who announces no HTTP/2": (
        for_those_without(_ALPN, by_a_ticket),
        {"refuses-anonymous-client": "without ALPN", "refuses-foreign-client": "without ALPN"},
    ),
    "lets anyone in who does not say whom they want": (
        for_those_without(_SNI, lambda scene: scene.milvus(1)),
        {"refuses-anonymous-client": "SNI", "refuses-foreign-client": "SNI"},
    ),
    "asks everyone for credentials": (
        answering(Everything((grpc.StatusCode.UNAUTHENTICATED, "who are you?"))),
        _UNKNOWN,
    ),
    "asks everyone for credentials, in Milvus' words, whatever is called": (
        answering(Everything((grpc.StatusCode.UNAUTHENTICATED, _WORDS))),
        _UNKNOWN,
    ),
    "asks for credentials in other words": (
        answering(
            dict.fromkeys(
                ("ShowCollections", "DescribeCollection"),
                (grpc.StatusCode.UNAUTHENTICATED, "who are you?"),
            )
        ),
        _UNKNOWN,
    ),
    "permits nothing to anyone": (
        answering(Everything((grpc.StatusCode.PERMISSION_DENIED, "no"))),
        _UNKNOWN,
    ),
    "answers every call with two bytes": (answering(Everything(OK_STATUS)), _UNKNOWN),
    "answers every call with nothing": (answering(Everything(b"")), _UNKNOWN),
    "answers every call with the question": (answering(Everything(lambda said: said)), _UNKNOWN),
    "names a version and knows nothing else": (
        answering({"GetVersion": ANSWERS["GetVersion"]}),
        _UNKNOWN,
    ),
    "lists collections and knows nothing else": (
        answering({"ShowCollections": OK_STATUS}),
        _UNKNOWN,
    ),
    "has every collection that is asked for": (
        answering({**ANSWERS, "DescribeCollection": OK_STATUS}),
        _UNKNOWN,
    ),
    "misses a collection without its name": (
        answering({**ANSWERS, "DescribeCollection": b"\n\x0d\x08\x01\x12\x09not found"}),
        _UNKNOWN,
    ),
    "is another gRPC service": (answering({}), _UNKNOWN),
    "is a web server": (
        lambda scene: scene.target(
            scene.script(over_tls(scene.pki.server.context(1), says_and_hangs_up(_PAGE)))
        ),
        {"tls-handshake": "does not speak gRPC", "grpc-ready": "does not speak gRPC"},
    ),
    "speaks HTTP/2 and then says nothing": (
        lambda scene: scene.target(
            scene.script(over_tls(scene.pki.server.context(1), says(SETTINGS)))
        ),
        {"grpc-ready": "did not answer in time"},
    ),
    "serves a page in plain text beside TLS": (beside(says_and_hangs_up(_PAGE)), _PLAIN),
    "redirects in plain text beside TLS": (beside(says_and_hangs_up(_MOVED)), _PLAIN),
    "serves one path in plain text beside TLS": (beside(answers_one_path), _PLAIN),
    "goes on in plain HTTP/2 where it is asked to": (beside(goes_on_in_http2), _PLAIN),
    "speaks plain HTTP/2 beside TLS": (beside(says(SETTINGS)), _PLAIN),
    "answers plain gRPC calls beside TLS": (beside(answers_the_call_alone), _PLAIN),
    "serves plain gRPC beside mutual TLS": (
        lambda scene: scene.target(scene.front(plain_too(scene.plain(), scene.milvus(2))), 2),
        _PLAIN,
    ),
    "is in plain text": (
        lambda scene: scene.target(scene.plain()),
        {**_PLAIN, "tls-handshake": "plain text", "grpc-ready": "plain text"},
    ),
    "is in plain text, and hangs up on TLS": (
        lambda scene: scene.target(scene.front(also(b"\x16", hangs_up, scene.plain()))),
        {**_PLAIN, "tls-handshake": "plain text", "grpc-ready": "plain text"},
    ),
    "has one of three in plain text": (
        lambda scene: scene.target(
            scene.front(in_turns(scene.milvus(), scene.milvus(), scene.plain()))
        ),
        {"tls-handshake": "plain text"},
    ),
    "has one of three in mode 1": (
        lambda scene: scene.target(
            scene.front(in_turns(scene.milvus(2), scene.milvus(2), scene.milvus(1))), 2
        ),
        _ANY_CLIENT,
    ),
    "has one of two in mode 1": (
        lambda scene: scene.target(scene.front(in_turns(scene.milvus(2), scene.milvus(1))), 2),
        _ANY_CLIENT,
    ),
    "has one of three in mode 1, by chance": (
        lambda scene: scene.target(
            scene.front(by_chance(scene.milvus(2), scene.milvus(2), scene.milvus(1))), 2
        ),
        _ANY_CLIENT,
    ),
    "runs in mode 1 instead of 2": (
        lambda scene: scene.target(scene.milvus(1), 2),
        {**_ANY_CLIENT, "refuses-foreign-client": "the server accepted it"},
    ),
    "asks for a certificate and requires none": (
        lambda scene: scene.target(optional(scene), 2),
        _ANY_CLIENT,
    ),
    "requires no certificate now and then": (
        lambda scene: scene.target(
            scene.front(in_turns(*[scene.milvus(2)] * 3, optional(scene))), 2
        ),
        _ANY_CLIENT,
    ),
    "takes client certificates that have expired": (
        lambda scene: scene.target(without_dates(scene), 2),
        {"refuses-expired-client": "the server accepted it"},
    ),
    **{
        name: (judged(rule), {"refuses-foreign-client": f"the server accepted it, {way}"})
        for name, (rule, way) in {
            "knows the CA of its clients by its name": (
                lambda leaf, _, scene: leaf.issuer == right(scene, "ca.pem").subject,
                "by the name of the right CA",
            ),
            "knows the CA of its clients by its key identifier": (
                lambda leaf, _, scene: (
                    value(leaf, x509.AuthorityKeyIdentifier)
                    == value(right(scene, "client.pem"), x509.AuthorityKeyIdentifier)
                ),
                "by the name of the right CA",
            ),
            "verifies a chain, and knows its CA by its name": (
                lambda leaf, sent, scene: any(
                    has_issued(one, leaf) and one.subject == right(scene, "ca.pem").subject
                    for one in sent
                ),
                "by the name of the right CA",
            ),
            "knows its clients by their subject": (
                lambda leaf, _, scene: leaf.subject == right(scene, "client.pem").subject,
                "by the name of the right CA",
            ),
            "knows its clients by their names": (
                lambda leaf, _, scene: (
                    value(leaf, x509.SubjectAlternativeName)
                    == value(right(scene, "client.pem"), x509.SubjectAlternativeName)
                ),
                "by the name of the right CA",
            ),
            "knows its clients by issuer and serial number": (
                lambda leaf, _, scene: (
                    (leaf.issuer, leaf.serial_number)
                    == (
                        right(scene, "client.pem").issuer,
                        right(scene, "client.pem").serial_number,
                    )
                ),
                "by the name of the right CA",
            ),
            "takes what is signed by itself": (
                lambda leaf, _, __: has_issued(leaf, leaf),
                "signed by itself",
            ),
            "takes a client for a CA": (
                lambda leaf, _, scene: has_issued(right(scene, "client.pem"), leaf),
                "issued by a client",
            ),
            "takes whoever has an RSA key": (
                lambda leaf, _, __: isinstance(leaf.public_key(), rsa.RSAPublicKey),
                "by the name of the right CA, with a key of rsa-2048",
            ),
            "takes whoever has a key on P-384": (
                lambda leaf, _, __: getattr(leaf.public_key(), "key_size", 0) == 384,
                "by the name of the right CA, with a key of ecdsa-p384",
            ),
            "takes whoever has a key of another kind": (
                lambda leaf, _, __: isinstance(leaf.public_key(), ed25519.Ed25519PublicKey),
                "by the name of the right CA, with a key of ed25519",
            ),
            "does not look at who signs with RSA": (
                lambda leaf, _, __: leaf.signature_algorithm_oid == _RSA_WITH_SHA256,
                "by the name of the right CA, with a key of rsa-2048",
            ),
            "takes what an RSA key has signed for itself": (
                lambda leaf, _, __: (
                    isinstance(leaf.public_key(), rsa.RSAPublicKey) and leaf.issuer == leaf.subject
                ),
                "signed by itself, with a key of rsa-2048",
            ),
            "takes an RSA key that a client has certified": (
                lambda leaf, _, scene: (
                    isinstance(leaf.public_key(), rsa.RSAPublicKey)
                    and has_issued(right(scene, "client.pem"), leaf)
                ),
                "issued by a client, with a key of rsa-2048",
            ),
        }.items()
    },
    "trusts a further CA": (
        lambda scene: scene.target(scene.naming(scene.trusting_more().ca), 2),
        {"names-client-cas": "clients of other CAs than it should: CN=test CA"},
    ),
    "has one of three that trusts a further CA": (
        lambda scene: scene.target(
            scene.front(
                in_turns(
                    scene.naming(scene.pki.path("ca.pem")),
                    scene.naming(scene.pki.path("ca.pem")),
                    scene.naming(scene.trusting_more().ca),
                )
            ),
            2,
        ),
        {"names-client-cas": "clients of other CAs than it should: CN=test CA"},
    ),
    "shows an older certificate": (
        lambda scene: scene.target(scene.milvus(), expected_sha256=scene.another.fingerprint),
        {"server-certificate": "than the one on disk"},
    ),
    "has one of three with a certificate of another CA": (
        lambda scene: scene.target(
            scene.front(
                in_turns(scene.milvus(), scene.milvus(), scene.milvus(files=scene.another.server))
            )
        ),
        {"tls-handshake": "from another CA", "server-certificate": "than the one on disk"},
    ),
    "shows an expired certificate": (
        lambda scene: scene.expired.target(scene.milvus(files=scene.expired.server)),
        {"tls-handshake": "has expired", "server-certificate": "has expired"},
    ),
    "shows a certificate for another name": (
        lambda scene: scene.target(scene.milvus(), server_name="milvus.example"),
        {"tls-handshake": "for another name"},
    ),
    "accepts TLS 1.1 in mode 2": (
        speaks_old_tls(2),
        {"tls-versions": "also accepts TLS 1.1 or older"},
    ),
    "is good at one of its addresses and in plain text at the other": (
        lambda scene: scene.target(scene.milvus(), further=((HOST, scene.plain()),)),
        {**_PLAIN, "tls-handshake": "plain text"},
    ),
    "is in mode 1 at another of its addresses": (
        lambda scene: scene.target(scene.milvus(2), 2, further=((HOST, scene.milvus(1)),)),
        _ANY_CLIENT,
    ),
    "does not listen at another of its addresses": (
        lambda scene: scene.target(scene.milvus(), further=((HOST, closed_port()),)),
        {"tls-handshake": "nothing listens there", "refuses-plain-text": "nothing listens there"},
    ),
    "is in plain text by IPv6": (on_both_loopbacks, {**_PLAIN, "tls-handshake": "at [::1]:"}),
    "shows a certificate that cannot be read": (
        lambda scene: scene.target(
            scene.script(over_tls(unreadable(scene), says(SETTINGS))), expected_sha256=None
        ),
        {"server-certificate": "the served certificate holds"},
    ),
    "serves REST in plain text": (
        lambda scene: scene.target(
            scene.milvus(), rest_address=(HOST, scene.script(says_and_hangs_up(_PAGE)))
        ),
        {"rest-answers": "plain text", "rest-refuses-plain-text": "plain text"},
    ),
    "serves REST to anyone": (
        lambda scene: scene.target(
            scene.milvus(2),
            2,
            rest_address=(
                HOST,
                scene.script(over_tls_alone(scene.pki.server.context(1), says_and_hangs_up(_PAGE))),
            ),
        ),
        {"rest-refuses-anonymous-client": "the server accepted it"},
    ),
    "sends one byte of a handshake after the other": (
        lambda scene: scene.target(scene.front(passes_on_to(slowly))),
        {"tls-handshake": ""},
    ),
    "sends a handshake without end": (
        lambda scene: scene.target(scene.front(passes_on_to(without_end))),
        {"tls-handshake": ""},
    ),
    "closes its half of the connection": (
        lambda scene: scene.target(scene.front(passes_on_to(closes_one_half))),
        {"tls-handshake": "", "grpc-ready": ""},
    ),
    "offers in plain text to go on in TLS": (
        lambda scene: scene.target(scene.script(upgrades)),
        {"tls-handshake": "plain text", "refuses-plain-text": "plain text"},
    ),
    "offers it beside TLS": (beside(upgrades), _PLAIN),
    "greets in plain text": (
        lambda scene: scene.target(scene.script(speaks_first_in_plain_text)),
        {"tls-handshake": "", "refuses-plain-text": "plain text"},
    ),
    "speaks nothing newer than TLS 1.1": (
        lambda scene: scene.target(scene.script(only_old_tls), 2),
        {"tls-handshake": ""},
    ),
    "speaks HTTP/2, and answers each call with a page": (
        lambda scene: over_tls_saying(scene, SETTINGS + _HTTP2_PAGE),
        {"grpc-ready": ""},
    ),
    "speaks gRPC-Web over HTTP/1.1": (
        lambda scene: over_tls_saying(scene, _GRPC_WEB),
        {"tls-handshake": "does not speak gRPC", "grpc-ready": "does not speak gRPC"},
    ),
    "says goodbye to every HTTP/2 connection": (
        lambda scene: over_tls_saying(scene, SETTINGS + _GOAWAY),
        {"grpc-ready": ""},
    ),
    "is healthy, and has no version": (
        answering({"Check": b"\x08\x01", "CheckHealth": b"\x10\x01"}),
        _UNKNOWN,
    ),
    "has a version of another server": (
        answering({**ANSWERS, "ShowCollections": b"", "DescribeCollection": b""}),
        _UNKNOWN,
    ),
    "fails every call with an error of its own": (
        answering(Everything((grpc.StatusCode.INTERNAL, "\x1b]0;owned\x07" * 1000))),
        {"grpc-ready": ""},
    ),
    "answers with a megabyte": (answering(Everything(b"\x0a" + b"x" * 1_000_000)), _UNKNOWN),
    "lets in who shows no certificate, with tickets to come back": (
        lambda scene: scene.target(by_a_ticket(scene), 2),
        _ANY_CLIENT,
    ),
    "takes the clients of every CA": (
        lambda scene: scene.target(scene.naming(scene.pki.path("ca.pem")), 2),
        {"refuses-foreign-client": ""},
    ),
    "names no CA but another one for its clients": (
        lambda scene: scene.target(scene.naming(scene.another.path("ca.pem")), 2),
        {"names-client-cas": "clients of other CAs than it should"},
    ),
    "shows another certificate with each connection": (
        lambda scene: scene.target(
            scene.front(in_turns(scene.milvus(), scene.milvus(files=scene.another.server)))
        ),
        {"server-certificate": "than the one on disk"},
    ),
    "is a port forwarder whose container does not listen": (
        lambda scene: scene.target(scene.script(hangs_up)),
        {"tls-handshake": "without an answer", "refuses-plain-text": "could not be tried"},
    ),
    "is nobody": (
        lambda scene: scene.target(closed_port(), 2),
        {"tls-handshake": "nothing listens there"},
    ),
}


@pytest.mark.parametrize("name", DISHONEST)
def test_what_is_not_an_encrypted_milvus_is_found_out(scene: Scene, name: str) -> None:
    make, verdict = DISHONEST[name]
    found = checked(make(scene))
    failed = {check.name: check for check in found.values() if not check.ok}
    assert set(verdict) <= set(failed), found
    for check, text in verdict.items():
        assert text in failed[check].observed
    assert all(check.hint and "SERVICE" not in check.hint for check in failed.values())


def test_where_nothing_listens_one_line_says_so(scene: Scene) -> None:
    found = checked(scene.target(closed_port(), 2))
    assert [check.name for check in found.values() if not check.skipped] == ["tls-handshake"]


def test_the_service_is_named_in_the_next_step(scene: Scene) -> None:
    found = checked(scene.target(scene.plain(), service="milvus-1"))
    assert "docker compose up -d --force-recreate milvus-1" in str(found["tls-handshake"].hint)
    assert "docker compose up -d --force-recreate milvus-1" in str(found["grpc-ready"].hint)


def test_old_tls_that_no_setting_of_milvus_changes_is_told(scene: Scene) -> None:
    found = checked(speaks_old_tls(1)(scene))["tls-versions"]
    # What is printed of a probe that passes.
    assert found.expected.startswith("TLS 1.1 and older are accepted, too: in mode 1")
    assert found.ok
    assert found.observed == "the server also accepts TLS 1.1 or older"


def test_an_address_that_is_not_in_the_certificate_is_told(scene: Scene) -> None:
    port = scene.front(passes_on_to(scene.milvus()), host="127.0.0.2")
    found = checked(scene.target(port, host="127.0.0.2"))["server-certificate"]
    assert found.ok
    assert "not for 127.0.0.2: clients need server_name=localhost" in found.observed


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_names_the_right_cas_is_believed(
    scene: Scene, version: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = handshake.verifying_context

    def of_that_version() -> ssl.SSLContext:
        context = made()
        context.maximum_version = version
        return context

    monkeypatch.setattr(tls_client, "verifying_context", of_that_version)
    target = scene.target(scene.naming(scene.pki.path("ca.pem")), 2)
    found = client_authorities(target, SOON)
    assert (found.ok, found.skipped, found.observed) == (True, False, "as expected")
    assert found.expected.startswith("the server asks only for clients of CN=test CA")
    misled = scene.target(target.port, 2, client_ca_path=scene.another.path("ca.pem"))
    assert not client_authorities(misled, SOON).ok


def replicas(mode: int) -> Make:
    return lambda scene: scene.target(
        scene.front(in_turns(scene.milvus(mode), scene.milvus(mode), scene.milvus(mode))),
        mode,
        further=((HOST, scene.milvus(mode)),),
    )


HONEST: Mapping[str, Make] = {
    "nginx, which verifies clients behind the handshake": turning_away(_STATUS_400),
    "nginx, with a rule for who shows no certificate": turning_away(_STATUS_403),
    "a front with another site for who does not say whom they want": for_those_without(
        _SNI, another_site
    ),
    "a front with another site, and a key for the sessions of each": with_sites(
        of_no_name=True, shared=False
    ),
    "asks once more for a key of its own group": lambda scene: scene.target(
        with_a_group_of_its_own(scene), 2
    ),
    "one-way": lambda scene: scene.target(scene.milvus(1)),
    "mutual": lambda scene: scene.target(scene.milvus(2), 2),
    "TLS passed through": lambda scene: scene.target(scene.front(passes_on_to(scene.milvus(2))), 2),
    "slow": lambda scene: scene.target(scene.front(passes_on_to(scene.milvus(2)), delay=0.1), 2),
    "by IPv6": lambda scene: scene.target(
        scene.front(passes_on_to(scene.milvus(2)), host="::1"), 2, host="::1"
    ),
    "by a name of which one address leads nowhere": lambda scene: scene.target(
        scene.milvus(), host="localhost"
    ),
    "three replicas and a further port": replicas(1),
    "three replicas and a further port, mutual": replicas(2),
    "asks for credentials": answering(
        dict.fromkeys(
            ("ShowCollections", "DescribeCollection", "GetVersion"),
            (grpc.StatusCode.UNAUTHENTICATED, "missing authorization in header"),
        )
    ),
    "permits this user little": answering(
        {
            **ANSWERS,
            "ShowCollections": (grpc.StatusCode.PERMISSION_DENIED, "permission deny to bob"),
            "DescribeCollection": (grpc.StatusCode.PERMISSION_DENIED, "permission deny to bob"),
        },
        token="bob:x",
    ),
    "a front that ends TLS with our certificate": lambda scene: scene.target(
        scene.front(passes_on_to(ending_tls(scene.pki.server.context(1), scene.plain())))
    ),
    "a front that ends mutual TLS with our certificate": lambda scene: scene.target(
        scene.front(passes_on_to(ending_tls(scene.pki.server.context(2), scene.plain()))), 2
    ),
    "a front that tells plain HTTP to use TLS": lambda scene: scene.target(
        scene.front(
            plain_too(says_and_hangs_up(b"HTTP/1.1 400 Bad Request\r\n\r\n"), scene.milvus())
        )
    ),
    "clients have a CA of their own": lambda scene: scene.target(
        scene.milvus(
            2,
            files=ServerFiles(
                scene.pki.path("server.pem"),
                scene.pki.path("server.key"),
                scene.another.path("ca.pem"),
            ),
        ),
        2,
        client_certificate_path=scene.another.path("client.pem"),
        client_key_path=scene.another.path("client.key"),
        client_ca_path=scene.another.path("ca.pem"),
    ),
    "REST on a port of its own": lambda scene: scene.target(
        scene.milvus(2),
        2,
        rest_address=(
            HOST,
            scene.script(over_tls_alone(scene.pki.server.context(2), says_and_hangs_up(_PAGE))),
        ),
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_encrypted_milvus_is_proved(scene: Scene, name: str) -> None:
    found = checked(HONEST[name](scene), timeout=SOON)
    assert {check.ok for check in found.values()} == {True}, found
