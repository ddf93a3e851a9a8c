"""Which edits of enable say the mode."""

from __future__ import annotations

from compose_tls.stack.milvus.connections import TLS_MODE_ROUTE
from compose_tls.stack.milvus.settings import canonical
from compose_tls.state.recorded import EditRecord
from compose_tls.vocabulary import TlsMode


def mode_in(text: str) -> TlsMode:
    """The mode that a value, or ``NAME=value``, says; off where it is none, as for Milvus."""
    said = text.rpartition("=")[2].strip()
    return TlsMode(int(said)) if said in {"1", "2"} else TlsMode.OFF


def is_mode(edit: EditRecord) -> bool:
    """Whether an edit is one of the mode: in milvus.yaml, or a variable however it is written."""
    wanted = canonical(".".join(TLS_MODE_ROUTE))
    items = [item.partition("=")[0] for item in (edit.new, edit.old) if isinstance(item, str)]
    names = items if edit.kind.endswith("item") else ["".join(edit.route)]
    return any(canonical(name).endswith(wanted) for name in names)
