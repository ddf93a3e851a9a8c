"""Calls over TLS sessions, and sessions that a server lets one of its sites take over from another.

A reverse proxy may keep the tickets of all its sites under one key. A session that was begun with a site
that asks for no certificate then also resumes with the one that does, and no certificate is asked for
(nginx before 1.27.4: CVE-2025-23419).
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import replace
from typing import Final

from compose_tls.checks.check_target import Target
from compose_tls.checks.tls_client import Deadline, announce, client_context, greet, places, tls

_MOST_SAID: Final = 65536
# RFC 2606 section 2: no site has it, so the first one answers.
_NO_SITE: Final = "compose-tls.invalid"
_SITES: Final = {"without a server name (SNI)": "", "as another server (SNI)": _NO_SITE}
_SHARE: Final = 1.0  # seconds, for a site that says nothing


def call_status(
    target: Target,
    context: ssl.SSLContext,
    deadline: Deadline,
    session: ssl.SSLSession | None = None,
) -> int | None:
    """The HTTP status with which a call is answered, where it is.

    Args:
        target: The server.
        context: The TLS settings of the client.
        deadline: Until when.
        session: One of the same client to go on with.
    """
    found, protocol = b"", target.protocol
    try:
        with tls(target, context, deadline, session) as connection:
            connection.sendall(protocol.request)
            while protocol.status(found) is None and len(found) < _MOST_SAID:
                connection.settimeout(deadline.left)
                more = connection.recv(_MOST_SAID)
                if not more:
                    break
                found += more
    except OSError:
        pass
    return protocol.status(found)


def resumed_by(target: Target, deadline: Deadline) -> tuple[Target, str] | None:
    """Where a client without a certificate is accepted by a session of another site, and how that began.

    Args:
        target: The server; it refuses clients without a certificate that begin with it.
        deadline: Until when.
    """
    for place in places(target, deadline):
        for way, name in _SITES.items():
            context = _anonymous(target)
            session = _begun(replace(place, server_name=name), context, deadline)
            status = session and call_status(place, context, deadline, session)
            # The right one tells the right site from another.
            if status and status == call_status(place, client_context(place), deadline):
                return place, way
    return None


def _anonymous(target: Target) -> ssl.SSLContext:
    """A client that shows nothing, says nothing in secret, and takes any server for another site."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    announce(context, target.protocol)
    return context


def _begun(target: Target, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSession | None:
    """A session with a site that does not refuse the client; in TLS 1.3 it comes after the handshake."""
    share = Deadline.after(min(_SHARE, deadline.left))
    try:
        with tls(target, context, share) as connection:
            with suppress(TimeoutError):
                greet(connection, share, target.protocol)
            return connection.session
    except OSError:
        return None
