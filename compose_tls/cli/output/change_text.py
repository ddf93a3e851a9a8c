"""What the commands that write print for people."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from compose_tls.cli.line import Line, Piece, diff_lines, fields, line, next_line
from compose_tls.cli.output import rendering
from compose_tls.layout import IGNORE_FILE, KEY, NEXT_CA, STATE_FILE, neighbours_directory

if TYPE_CHECKING:
    from compose_tls.results import (
        ChangeResult,
        ClientResult,
        DisableResult,
        EnableResult,
        ExportResult,
        InitResult,
        IssueResult,
        RenewResult,
    )


_FEW = 10
_NAMES = 3


def enable_lines(
    result: EnableResult, *, verbose: bool, files_told: bool = False, checks_told: bool = False
) -> Iterator[Line]:
    """The result of enable.

    Args:
        result: The result.
        verbose: Whether diff, files and certificates are told, too.
        files_told: Whether what was written was told before Milvus was started.
        checks_told: Whether the probes were told as they ended.
    """
    if not files_told:
        yield from _enabled(result, verbose=verbose)
    yield from _proof(result, verbose=verbose, told=checks_told)
    if following := result.next or result.then:
        yield next_line(*following)


def init_lines(result: InitResult, *, verbose: bool, checks_told: bool = False) -> Iterator[Line]:
    """The result of init."""
    yield from _diff(result, verbose=verbose)
    mode = rendering.mode_text(result.mode)
    if not result.changed:
        yield line(f"the project already exists: {', '.join(result.services)} has {mode}")
    elif result.dry_run:
        yield line(f"would create a project with {result.image}, {mode}; nothing was written")
    else:
        yield line(Piece("a new project", "good"), f": {result.image}, {mode}")
    if result.dry_run or verbose:
        yield from _files(result, verbose=verbose)
    elif result.changed:
        yield from fields(_made(result))
    if verbose:
        yield from rendering.certificate_lines(result.certificates)
    yield from _proof(result, verbose=verbose, told=checks_told)
    yield from _root_password(result)
    if following := result.next or result.then:
        yield next_line(*following)


def _proof(result: IssueResult, *what: str, verbose: bool, told: bool) -> Iterator[Line]:
    """The probes, where they were not told as they ended, and what they prove."""
    if not told:
        yield from rendering.check_lines(result.checks, verbose=verbose)
    if result.checks:
        yield rendering.proof_line(result.endpoint, *what)


def _root_password(result: InitResult) -> Iterator[Line]:
    if result.root_password_file and not result.dry_run:
        how = "is" if result.checks else "will be the one"
        yield line(f"the password of root {how} in {result.root_password_file}")


def _made(result: InitResult) -> Iterator[tuple[str, str]]:
    """What a new project consists of: its own files, and the directories of keys."""
    created = [file.path for file in result.files if file.action == "created"]
    if own := [path for path in created if "/" not in path]:
        yield "files", ", ".join(own)
    if places := dict.fromkeys(_directory(path) for path in created if "/" in path):
        yield "keys", f"{', '.join(f'{place}/' for place in places)} (private: keep them safe)"


def _enabled(result: EnableResult, *, verbose: bool) -> Iterator[Line]:
    """What is in the files."""
    yield from _diff(result, verbose=verbose)
    mode, services = rendering.mode_text(result.mode), ", ".join(result.services)
    what = f": {mode}, {'service' if len(result.services) == 1 else 'services'} {services}"
    if not result.changed and result.deployed and not result.checks:
        yield line(f"nothing to do: {services} has {mode}")
    elif not result.changed:
        yield line(f"nothing to change in the files{what}")
    elif result.dry_run:
        yield line(f"would change to {mode}; nothing was written")
    else:
        yield line(Piece("TLS is on in the files", "good"), what)
        yield from fields(_kept_where(result))
    for one in result.neighbours if result.changed or verbose else ():
        with_what = f", with the client certificate {one.certificate}" if one.certificate else ""
        would = "would be switched" if result.dry_run else "switched"
        yield line(f"{one.service}: {would} to TLS{with_what} ({one.how})")
    if result.dry_run or verbose:
        yield from _files(result, verbose=verbose)
    if result.dry_run:
        yield from fields(_for_clients(result))
    if verbose:
        yield from rendering.certificate_lines(result.certificates)


def _kept_where(
    result: EnableResult,
) -> Iterator[tuple[str, str | tuple[str | Piece, ...]]]:
    changed = [file.path for file in result.files if file.action == "patched"]
    places = (result.pki_dir, result.tls_dir, neighbours_directory(result.tls_dir))
    own = tuple(f"{place}/" for place in places)
    if edited := [path for path in changed if not path.startswith(own)]:
        yield "changed", ", ".join(edited)
    if added := [
        file.path
        for file in result.files
        if file.action == "created" and not file.path.startswith(own)
    ]:
        yield "added", ", ".join(added)
    keep = f"keep {result.ca_key} safe" if result.ca_key else "keep it safe"
    yield "keys", f"{result.pki_dir}/ (private: {keep}), {result.tls_dir}/ (mounted)"
    yield from _for_clients(result)


def _for_clients(result: EnableResult) -> Iterator[tuple[str, str | tuple[str | Piece, ...]]]:
    """What clients lose, and how they get it back."""
    if result.cut_off:
        services = dict.fromkeys(one.service for one in result.cut_off)
        sure = {one.service for one in result.cut_off if one.encryption != "unknown"}
        known = ", ".join(name for name in services if name in sure)
        others = ", ".join(name for name in services if name not in sure)
        may_be = f"{others}, unless already configured for TLS" if others else ""
        yield "cut off", "; ".join(filter(None, (known, may_be)))
    if result.issue_with is not None:
        needed = "every client needs a certificate now"
        how = (": ", Piece(result.issue_with, "command")) if result.issue_with else ()
        yield "clients", (needed, *how)


def disable_lines(result: DisableResult, *, verbose: bool) -> Iterator[Line]:
    """The result of disable."""
    yield from _diff(result, verbose=verbose)
    if result.services:
        yield _without(result)
    elif result.dry_run:
        yield line("would remove certificates and keys; nothing was written")
    else:
        yield line(Piece("removed", "good"), f": {_purged(result) or 'nothing'}")
    if result.dry_run or verbose:
        yield from _files(result, verbose=verbose)
    elif result.services and result.changed:
        gone = ", ".join(filter(None, (*_removed_files(result), _purged(result))))
        rows = [("changed", ", ".join(_patched(result))), ("removed", gone)]
        yield from fields([row for row in rows if row[1]])
    if result.key_directories and not result.dry_run:
        places = ", ".join(f"{place}/" for place in result.key_directories)
        how = f" removes them{', once TLS is off' if result.in_use else ''}"
        parts = (f"{places} (private keys); ", Piece(result.purge or "", "command"), how)
        yield from fields([("kept   " if result.services else "kept", parts)])
    if result.next:
        yield next_line(*result.next)


def _without(result: DisableResult) -> Line:
    """How the services are from now on."""
    services = ", ".join(result.services)
    mode = rendering.mode_text(result.mode) if result.mode else "plain text"
    stays = f"{mode}, {'as before' if result.as_before else 'which stays'}"
    if result.dry_run:
        return line(f"would change to {stays}; nothing was written")
    if result.mode or not result.as_before:
        return line(f"{services}: {stays}")
    if not result.exact and not _patched(result):
        return line(f"{services}: plain text; there was nothing to remove")
    how = "byte for byte as before" if result.exact else "without what enable added"
    if any(one.code == "edit-kept" for one in result.warnings):
        how += ", except what was changed since"
    return line(Piece("TLS removed", "good"), f" from {services}: its files are {how}")


def _patched(result: DisableResult) -> list[str]:
    return [file.path for file in result.files if file.action == "patched"]


def _removed_files(result: DisableResult) -> list[str]:
    """The files of the project that enable added, which are gone."""
    removed = [file.path for file in result.files if file.action == "removed"]
    return [path for path in removed if "/" not in path]


def _purged(result: DisableResult) -> str:
    """The directories whose keys are gone; empty where they were left."""
    removed = [file.path for file in result.files if file.action == "removed"]
    if not any(path.endswith(KEY) for path in removed):
        return ""
    shown = (path for path in removed if "/" in path and not path.endswith(IGNORE_FILE))
    names = dict.fromkeys(map(_directory, shown))
    places = ", ".join(
        f"{'what enable wrote in ' if name in result.not_empty else ''}{name}/" for name in names
    )
    return f"{places} (certificates and private keys)"


def _directory(path: str) -> str:
    """The directory of ours that a file is in: below the project, or where the user named it."""
    return posixpath.dirname(path) if posixpath.isabs(path) else path.partition("/")[0]


def renew_lines(result: RenewResult, *, verbose: bool, checks_told: bool) -> Iterator[Line]:
    """The result of renew."""
    yield _renewed(result)
    if result.changed and (verbose or result.dry_run):
        yield from _files(result, verbose=verbose)
    if verbose:
        yield from rendering.certificate_lines(result.certificates)
    yield from _proof(result, "runs with the new files", verbose=verbose, told=checks_told)
    if result.next:
        yield next_line(*result.next)


def _renewed(result: RenewResult) -> Line:
    services = ", ".join(result.services)
    if not result.changed and result.checks:
        return line(f"{services}: restarted, to load the certificates renewed earlier")
    if not result.changed and result.rollover == "pending":
        return line("nothing to do: the new CA already exists")
    if not result.changed:
        left = [c.days_left for c in result.certificates if c.days_left is not None]
        force = "" if result.brought else "; --force renews"
        # A dry run opens no certificate that stays.
        which = "the given" if result.brought else "all"
        valid = (
            f"{which} certificates are valid for {rendering.span_text(min(left))}" if left else ""
        )
        return line(f"nothing to do: {valid or 'no certificate is due'}{force}")
    if result.dry_run:
        return line("would renew; nothing was written")
    ends = {PurePath(c.path).stem: f"{c.not_after:%Y-%m-%d}" for c in result.certificates}
    new = [name for name in result.issued if name in ends and name != NEXT_CA]
    parts = [f"{', '.join(new)}, until {min(map(ends.__getitem__, new))}"] if new else []
    if NEXT_CA in result.issued and NEXT_CA in ends:
        parts.append(f"a second CA, until {ends[NEXT_CA]}")
    done = "; ca.pem holds only the new CA" if result.rollover == "finished" else ""
    done += f"; {services} restarted" if result.checks else ""
    if not parts and result.rollover == "none":
        again = [f.path for f in result.files if f.action in {"created", "patched"}]
        names = ", ".join(name for name in again if not name.endswith(STATE_FILE)) or services
        return line(Piece("written again", "good"), f": {names}{done}")
    return line(Piece("renewed", "good"), f": {'; '.join(parts) or services}{done}")


def _diff(result: EnableResult | DisableResult | InitResult, *, verbose: bool) -> Iterator[Line]:
    if result.diff and (result.dry_run or verbose):
        yield from diff_lines(result.diff)


def _files(result: ChangeResult, *, verbose: bool) -> Iterator[Line]:
    if result.changed or verbose:
        yield from rendering.file_lines(result.files, dry_run=bool(result.dry_run), verbose=verbose)


def export_lines(result: ExportResult, *, verbose: bool) -> Iterator[Line]:
    """The result of export where the document is in a file, or was not wanted."""
    if not result.changed:
        yield line(f"{result.target}: nothing to do: the files are up to date")
    elif result.dry_run:
        yield line(f"{result.target}: would be exported; nothing was written")
    else:
        yield line(Piece("exported", "good"), f": {result.target}")
    yield from beside_lines(result, verbose=verbose)


def beside_lines(result: ExportResult, *, verbose: bool) -> Iterator[Line]:
    """What goes with the document: files, certificates, and what to do next."""
    yield from rendering.file_lines(result.files, dry_run=bool(result.dry_run), verbose=verbose)
    if verbose or result.dry_run:
        yield from rendering.certificate_lines(result.certificates)
    if result.names and (result.changed or verbose):
        names = result.names if verbose else result.names[:_NAMES]
        more = len(result.names) - len(names)
        rest = f"; and {more} more, with -v" if more else ""
        yield line(", ".join(names), rest, head=("  for ",))
    for command in result.next:
        yield next_line(command)


def client_lines(result: ClientResult, *, verbose: bool) -> Iterator[Line]:
    """The result of client; with ``verbose``, every file and certificate of however many clients."""
    count = len(result.issued) + len(result.kept)
    new = _counted(len(result.issued), "certificate")
    if not result.changed:
        clients = _counted(count, "client")
        place = f"{clients} in {result.directory}"
        yield line(f"nothing to do: {place}, not yet due for renewal; --force issues new ones")
    elif result.dry_run:
        yield line(f"{result.directory}: would issue {new}; nothing was written")
    else:
        yield line(f"{result.directory}: ", Piece(f"{new} issued", "good"), _until(result))
    if result.changed and (verbose or result.dry_run):
        yield from rendering.file_lines(result.files, dry_run=bool(result.dry_run), verbose=verbose)
    elif result.changed and count <= _FEW:
        given = ((o.client, map(posixpath.basename, o.files[:-1])) for o in result.give)
        yield from fields((name, ", ".join(files)) for name, files in given)
    if verbose:
        yield from rendering.certificate_lines(result.certificates)
    if result.changed and not result.dry_run:
        name = result.issued[0] if len(result.issued) == 1 else "each client"
        own = "these files" if len(result.issued) == 1 else "its own files"
        yield line(f"give {name} {own} and {result.ca}", head=(Piece("next: ", "strong"),))
    if result.next:
        yield next_line(*result.next)


def _until(result: ClientResult) -> str:
    ends = [one.not_after for one in result.certificates if one.client in result.issued]
    return f", until {min(ends):%Y-%m-%d}" if ends else ""


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
