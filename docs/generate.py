"""Writes the reference pages from the code: ``python docs/generate.py``.

docs/schema.json is made from compose_tls/results, docs/cli.md and docs/compose-tls.1 (a manual page) from
the help of each command, docs/settings.md from the settings, docs/library.md from the public names,
docs/patched.md from what ``enable`` does to the sample project, and docs/architecture.svg from the layers
in pyproject.toml.
"""

from __future__ import annotations

import enum
import inspect
import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Container, Iterator
from html import escape
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel, TypeAdapter

import compose_tls
from compose_tls.cli import app
from compose_tls.config import SETTINGS_FILE, TlsConfig
from compose_tls.config.layers import ENVIRONMENT_PREFIX, merged
from compose_tls.config.tls_config import FLAGS, LISTS
from compose_tls.errors import InvalidSetting
from compose_tls.results import Failure, Result
from compose_tls.state.recorded import RECORDED

DOCS: Final = Path(__file__).parent
_GENERATED = "<!-- Made by python docs/generate.py: change the code, not this page. -->\n"
_WIDTH = 92


def schema() -> str:
    """The JSON schema of what ``--json`` prints."""
    models: TypeAdapter[Result | Failure] = TypeAdapter(Result | Failure)
    return (
        json.dumps(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "What compose-tls prints with --json",
                **_as_printed(models.json_schema(mode="serialization")),
            },
            indent=2,
        )
        + "\n"
    )


def _as_printed(node: Any) -> Any:
    """Keys that do not apply are left out, not null; all others are always there."""
    if isinstance(node, list):
        return [_as_printed(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "object" and "properties" in node:
        fields = {n: f for n, f in node["properties"].items() if f.get("type") != "null"}
        optional = {n for n, f in fields.items() if _NULL in f.get("anyOf", []) or _LEFT_OUT in f}
        node |= {
            "properties": {name: _without_null(field) for name, field in fields.items()},
            "required": [name for name in fields if name not in optional],
        }
    return {key: _as_printed(value) for key, value in node.items() if key not in _NOISE}


_NULL = {"type": "null"}
_LEFT_OUT = "left out"
_NOISE = {"title", "default", _LEFT_OUT}


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    variants = [variant for variant in field.get("anyOf", []) if variant != _NULL]
    if len(variants) != 1:
        return field
    others = {key: value for key, value in field.items() if key != "anyOf"}
    return {**variants[0], **others}


def commands() -> list[click.Command]:
    """The commands, in the order of the help."""
    context = click.Context(app.app)
    found = [app.app.get_command(context, name) for name in app.app.list_commands(context)]
    return [command for command in found if command is not None]


def cli_page() -> str:
    """The help of every command."""
    parts = [
        _GENERATED,
        "# Commands\n",
        "What `compose-tls --help` and `compose-tls COMMAND --help` print. The options of",
        "`compose-tls --help` may stand before the command or after it. See also",
        "[exit codes](exit-codes.md), [errors](errors.md) and [settings](settings.md).\n",
        _help(app.app, "compose-tls"),
    ]
    for command in commands():
        name = f"compose-tls {command.name}"
        parts += [f"## {name}\n", _help(command, name)]
    return "\n".join(parts)


def _help(command: click.Command, name: str) -> str:
    context = click.Context(
        command,
        info_name=name,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )
    with context:
        text = click.unstyle(command.get_help(context))
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"```text\n{lines}\n```\n"


def man_page() -> str:
    """All commands as a manual page.

    Source: man-pages(7) for the sections, groff_man(7) for the macros.
    """
    context = click.Context(app.app, info_name="compose-tls")
    lines = [
        '.\\" Made by python docs/generate.py: change the code, not this page.',
        '.TH COMPOSE\\-TLS 1 "" "compose\\-tls" "User Commands"',
        ".SH NAME",
        _roff("compose-tls - ") + _roff(_summary(app.app.help or "")),
        ".SH SYNOPSIS",
        ".B compose\\-tls",
        "[\\fIoptions\\fR] \\fIcommand\\fR [\\fIoptions\\fR]",
        ".SH COMMON OPTIONS",
        "Before the name of the command, or after it.",
        *_man_options(app.app, context),
        ".SH COMMANDS",
    ]
    common = {parameter.name for parameter in app.app.params}
    for command in commands():
        inner = click.Context(command, info_name=command.name, parent=context)
        usage = " ".join(command.collect_usage_pieces(inner))
        lines += [
            f".SS {_roff(f'compose-tls {command.name} {usage}')}",
            *_man_text(command.help or ""),
        ]
        lines += _man_options(command, inner, leave=common)
        lines += _man_text(command.epilog or "")
    codes = re.findall(
        r"^\| (\d+) \| (.+) \|$", (DOCS / "exit-codes.md").read_text("utf-8"), re.MULTILINE
    )
    lines += [".SH EXIT STATUS"]
    for code, when in codes:
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)|`", r"\1", when)
        lines += [".TP", f".B {code}", _roff(plain)]
    lines += [
        ".SH ENVIRONMENT",
        ".TP",
        f".B {_roff(ENVIRONMENT_PREFIX)}\\fISETTING\\fR",
        _roff("Each setting that is not given as an option; see docs/settings.md."),
        ".TP",
        '.BR NO_COLOR ", " FORCE_COLOR',
        "No colours, or colours also where the output is no terminal.",
        ".SH FILES",
        ".TP",
        f".I {_roff(SETTINGS_FILE)}",
        "Settings of a project.",
        ".SH SEE ALSO",
        ".BR docker\\-compose (1),",
        ".BR openssl (1)",
    ]
    return "\n".join(lines) + "\n"


def _man_options(
    command: click.Command, context: click.Context, leave: Container[str | None] = ()
) -> list[str]:
    lines: list[str] = []
    for parameter in command.get_params(context):
        if not isinstance(parameter, click.Option) or parameter.name in leave:
            continue
        record = parameter.get_help_record(context)
        if record is not None:
            lines += [".TP", f".B {_roff(record[0])}", _roff(record[1])]
    return lines


def _man_text(text: str) -> list[str]:
    """Paragraphs, and examples as they are."""
    lines: list[str] = []
    for part in inspect.cleandoc(text).split("\n\n"):
        if part.startswith("\b\n"):
            lines += [".PP", ".nf", *(_roff(line) for line in part[2:].splitlines()), ".fi"]
        elif part.strip():
            lines += [".PP", *(_roff(line) for line in part.splitlines())]
    return lines


def _roff(text: str) -> str:
    """A text that roff prints as it is."""
    escaped = text.replace("\\", "\\(rs").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped


def _summary(text: str) -> str:
    return inspect.cleandoc(text).partition("\n")[0].rstrip(".")


def settings_page() -> str:
    """Every setting: where it can be given, its default, and whether it is remembered."""
    options = _options()
    rows = [
        "| " + " | ".join(_setting_row(name, options.get(name))) + " |"
        for name in TlsConfig.model_fields
    ]
    keys = [
        f"`{name.replace('_', '-')}`" for name in TlsConfig.model_fields if not _file_may_set(name)
    ]
    never = f"{', '.join(keys[:-1])} or {keys[-1]}"
    return (
        f"""{_GENERATED}
# Settings

A setting can be given in five places. The first one that has a value wins:

1. the option on the command line: `--` and the key,
2. the variable `{ENVIRONMENT_PREFIX}…`,
3. the key in `{SETTINGS_FILE}`, in the project directory,
4. what the last `enable` recorded in `cert/state.json`,
5. the default.

So settings that you do not give stay as they were. Commands other than `enable` use the mode and similar
settings that `enable` applied, even if `{SETTINGS_FILE}` has changed since.

```toml
# {SETTINGS_FILE}
mode = 2
san = ["milvus.example.org"]
days = 90
```

- In a variable, a list is separated by commas: `{ENVIRONMENT_PREFIX}SAN=a.example.org,10.0.0.7`.
  A switch is `true` or `false`.
- A key may have dashes or underscores: `key-type`, `key_type`.
- A relative path in `{SETTINGS_FILE}` is relative to the project directory; on the command line and in a
  variable, to the current directory.
- An unknown variable or key is an error that names the nearest one.
- `{SETTINGS_FILE}` may come from the author of the project. So it cannot name a file outside the
  project, or contain {never}.

| key and variable | meaning | default | recorded |
| --- | --- | --- | --- |
"""
        + "\n".join(rows)
        + "\n"
    )


def _options() -> dict[str, tuple[str, str]]:
    """The option and its help by setting; those of enable first, which has most of them."""
    found: dict[str, tuple[str, str]] = {}
    for command in commands():
        for option in command.params:
            if isinstance(option, click.Option) and option.name in TlsConfig.model_fields:
                long = max(option.opts, key=len)
                found.setdefault(option.name, (long, option.help or ""))
    return found


def _setting_row(name: str, option: tuple[str, str] | None) -> list[str]:
    field = TlsConfig.model_fields[name]
    key = name.replace("_", "-")
    flag, help_text = option or ("", "")
    if flag != f"--{key}":
        raise ValueError(f"the page says that the option of {name} is --{key}")
    default = field.default
    shown = "" if default is None or default == () else json.dumps(default)
    return [
        f"`{key}`<br>`{ENVIRONMENT_PREFIX}{name.upper()}`",
        _cell(" ".join((help_text or field.description or "", _choices(field.annotation)))),
        f"`{shown}`" if shown else "-",
        "yes" if name in RECORDED else "no",
    ]


def _choices(annotation: Any) -> str:
    """The values that a setting takes, where they are few."""
    literals = [one for one in (annotation, *get_args(annotation)) if get_origin(one) is Literal]
    values = [str(value) for one in literals for value in get_args(one)]
    return f"One of {', '.join(f'`{value}`' for value in values)}." if values else ""


def _file_may_set(name: str) -> bool:
    """Whether compose-tls.toml may: it is tried."""
    field = TlsConfig.model_fields[name]
    values = {"mode": 2, "rest_port": 8080, "container_tls_dir": "/tls", "key_type": "rsa-2048"}
    choices = {"config": "env", "style": "override"}
    value = values.get(name) or choices.get(name) or field.default or "name"
    value = True if name in FLAGS else ["name"] if name in LISTS else value
    try:
        merged({name: value}, {}, {}, lambda _: True)
    except InvalidSetting:
        return False
    return True


def library_page() -> str:
    """The public names, as a program uses them."""
    functions = [n for n in compose_tls.__all__ if inspect.isfunction(_public(n))]
    models = [n for n in compose_tls.__all__ if _is_model(n) and n != "TlsConfig"]
    example = (DOCS.parent / "tests" / "typing" / "library_example.py").read_text(encoding="utf-8")
    code = example.split('"""', 2)[2].strip()
    parts = [
        _GENERATED,
        "# Library\n",
        "Each command is a function. It prints nothing, never exits, and returns a typed result,",
        "the one that `--json` prints. The package is typed (PEP 561); mypy and pyright check this",
        "example:\n",
        f"```python\n{code}\n```\n",
        "- Every error is a `ComposeTlsError` with `code`, `message`, `hint` and `exit_code`, and",
        "  with `path` and `line` where they are known. The codes are in [errors](errors.md), the",
        "  classes in `compose_tls.errors`; `CheckFailed` has the probes in `checks`.",
        "- The fields of [`TlsConfig`](#tlsconfig) are the [settings](settings.md). A wrong value is a",
        "  `ComposeTlsError` as well.",
        "- A mapping instead of a `TlsConfig` is completed by variables and by",
        "  `compose-tls.toml`, as options of the command line are.",
        "- `Settings` is a `TlsConfig`, such a mapping, or `None`. `OnEvent` is any callable that takes",
        "  a text: it is called with progress, a line at a time.",
        "- For tests there is a Milvus with TLS: see [testing](testing.md).\n",
        "## Functions\n",
    ]
    parts += [_function_entry(name) for name in functions]
    parts += [
        "## TlsConfig\n",
        _sections(inspect.getdoc(TlsConfig) or "")[""] + "\n",
        "| field | type | default | |",
        "| --- | --- | --- | --- |",
        *(
            f"| `{name}` | `{_type(f.annotation)}` | `{f.default!r}` | {_cell(f.description or '')} |"
            for name, f in TlsConfig.model_fields.items()
        ),
        "",
        "## Results\n",
        "Frozen pydantic models. A list is never `None`. `exit_code` is that of the command line.\n",
    ]
    parts += [_model_entry(name) for name in models]
    values = [n for n in compose_tls.__all__ if inspect.isclass(_public(n)) and not _is_model(n)]
    parts.append("## Other types\n")
    for name in values:
        parts += [f"### {name}\n", *_value_entry(_public(name))]
    return "\n".join(parts)


_VARIANTS: Final[tuple[tuple[str, str, dict[str, Any], bool], ...]] = (
    ("A milvus.yaml next to the compose file", "--mode 2", {"mode": 2}, True),
    ("No milvus.yaml: the settings are environment variables", "--mode 2", {"mode": 2}, False),
    (
        "REST kept, on a port of its own",
        "--mode 1 --rest-port 8080",
        {"mode": 1, "rest_port": 8080},
        True,
    ),
    (
        "An override file, and the compose file left as it is",
        "--mode 1 --style override --config env",
        {"mode": 1, "style": "override", "config": "env"},
        False,
    ),
)
"""What is shown: a title, the options, the same as settings, and whether there is a milvus.yaml."""


def patched_page() -> str:
    """What enable does to files, shown on the sample project."""
    parts = [
        _GENERATED,
        "# What is patched\n",
        "Made by running `compose-tls enable` on the",
        "[sample project](https://github.com/compose-tls/compose-tls/blob/main/fixtures/docker-compose.yml),",
        "whose compose file is the one of the Milvus documentation. All other bytes stay as they are,",
        "and `disable` gives the old ones back. [Why files are edited](why-not-reemit.md), and which",
        "[constructs of Compose](compose-constructs.md) are understood.\n",
    ]
    for title, options, settings, with_milvus_yaml in _VARIANTS:
        parts += [f"## {title}\n", f"`compose-tls enable {options}`\n"]
        parts.append(_patched(settings, with_milvus_yaml=with_milvus_yaml))
    return "\n".join(parts)


def _patched(settings: dict[str, Any], *, with_milvus_yaml: bool) -> str:
    with tempfile.TemporaryDirectory() as directory:
        for name in ("docker-compose.yml", *(["milvus.yaml"] if with_milvus_yaml else [])):
            shutil.copyfile(DOCS.parent / "fixtures" / name, Path(directory) / name)
        nobody = {"DOCKER_HOST": "unix:///nobody.sock"}
        result = compose_tls.enable(directory, settings, environment=nobody)
        made = {
            file.path: (Path(directory) / file.path).read_text(encoding="utf-8")
            for file in result.files
            if file.action == "created" and file.path.endswith(".yaml")
        }
    rows = "\n".join(f"| `{file.path}` | {file.action} |" for file in result.files)
    told = "".join(f"- {warning.message}\n" for warning in result.warnings)
    said = f"It warns:\n\n{told}\n" if told else ""
    diff = f"```diff\n{result.diff}```\n\n" if result.diff else ""
    new = "".join(f'```yaml title="{name}"\n{text}```\n\n' for name, text in made.items())
    return f"{diff}{new}| file | |\n| --- | --- |\n{rows}\n\n{said}"


def _public(name: str) -> Any:
    return getattr(compose_tls, name)


def _is_model(name: str) -> bool:
    found = _public(name)
    return inspect.isclass(found) and issubclass(found, BaseModel)


def _function_entry(name: str) -> str:
    function: Callable[..., Any] = _public(name)
    documentation = inspect.getdoc(function) or ""
    sections = _sections(documentation)
    signature = inspect.signature(function)
    listed = [_parameter(parameter) for parameter in signature.parameters.values()]
    first_keyword = next(
        (i for i, p in enumerate(signature.parameters.values()) if p.kind is p.KEYWORD_ONLY), None
    )
    if first_keyword is not None:
        listed.insert(first_keyword, "*")
    returns = str(signature.return_annotation).rsplit(".", 1)[-1]
    arguments = "".join(f"    {one},\n" for one in listed)
    lines = [
        f"### {name}\n",
        f"```text\n{name}(\n{arguments}) -> {returns}\n```\n",
        sections.pop("") + "\n",
    ]
    for title, text in sections.items():
        lines += [f"{title}:\n", text + "\n"]
    if "Returns" not in sections:
        lines.append(f"Returns: [{returns}](#{returns.lower()}).\n")
    return "\n".join(lines)


def _value_entry(found: type) -> Iterator[str]:
    """What a class that is no result means."""
    sections = _sections(inspect.getdoc(found) or "")
    yield from (text + "\n" for text in sections.values())
    if issubclass(found, enum.IntEnum):
        yield "".join(f"- `{one.name}` = {one.value}\n" for one in found)


def _parameter(parameter: inspect.Parameter) -> str:
    annotation = re.sub(r"\b(preamble|listener)\.", "", str(parameter.annotation))
    default = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
    return f"{parameter.name}: {annotation}{default}"


def _default(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)


def _sections(documentation: str) -> dict[str, str]:
    """The summary of a docstring, under an empty title, and its sections as lists."""
    found: dict[str, list[str]] = {"": []}
    title = ""
    for line in documentation.splitlines():
        heading = re.fullmatch(r"(Args|Returns|Raises|Attributes|Yields):", line)
        if heading:
            title = {"Args": "Arguments"}.get(heading[1], heading[1])
            found[title] = []
        elif not title:
            found[title].append(line)
        elif entry := re.match(r"    (\w+): (.*)", line):
            found[title].append(f"- `{entry[1]}`: {entry[2]}")
        elif line.strip():
            found[title].append(f"  {line.strip()}")
    return {name: "\n".join(lines).strip().replace("``", "`") for name, lines in found.items()}


def _model_entry(name: str) -> str:
    model = _public(name)
    described: dict[str, str] = {}
    for base in reversed(model.__mro__):
        for line in _joined(_sections(inspect.cleandoc(base.__doc__ or "")).get("Attributes", "")):
            if entry := re.match(r"- `(\w+)`: (.*)", line):
                described[entry[1]] = entry[2]
    summary = _sections(inspect.getdoc(model) or "")[""]
    fields = {n: f for n, f in model.model_fields.items() if n != "schema_version"}
    rows = [
        f"| `{field}` | `{_type(info.annotation)}` | {_cell(described.get(field, ''))} |"
        for field, info in fields.items()
    ]
    table = "\n".join(["| field | type | |", "| --- | --- | --- |", *rows])
    return f"### {name}\n\n{summary}\n\n{table}\n"


def _joined(text: str) -> list[str]:
    """The entries of a section, each on one line."""
    return re.sub(r"\n  +", " ", text).splitlines()


def _type(annotation: Any) -> str:
    """A type as people write it."""
    if annotation is type(None):
        return "None"
    if annotation is Ellipsis:
        return "…"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return " \\| ".join(_type(one) for one in arguments)
    if origin is Literal:
        return " \\| ".join(
            json.dumps(one) if isinstance(one, str) else str(one) for one in arguments
        )
    if origin is not None:
        inner = ", ".join(_type(one) for one in arguments)
        return f"{origin.__name__}[{inner}]".replace(", …]", ", ...]")
    return getattr(annotation, "__name__", str(annotation))


def _cell(text: str) -> str:
    """A text that can stand in a cell of a table."""
    return " ".join(text.replace("|", "\\|").split())


_PURPOSES: Final = {
    "cli": "arguments in; text or JSON out",
    "testing": "pytest plugin and harness",
    "workflows": "one module per command: the order of its steps",
    "observe": "reads files once",
    "plan": "project + settings",
    "credentials": "where keys come from",
    "apply": "the transaction",
    "deploy": "engine and Compose",
    "checks": "live proof",
    "project": "one value: files, declared and recorded settings, Milvus services",
    "compose": "reads and edits projects",
    "stack": "a module for each member",
    "sdk": "client code",
    "state": "state.json",
    "targets": "Helm, Swarm, openssl",
    "pki": "issues, verifies, rehearses",
    "yamlpatch": "finds, edits, proves",
}
"""The purpose of a package; for values, the name is enough."""
_WIDE, _MARGIN, _GAP = 1000, 12, 10


def architecture_picture() -> str:
    """The layers as import-linter checks them, as SVG without scripts or external fonts."""
    settings = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["name"] == "layers")
    rows: list[str] = []
    top = _MARGIN
    for layer in layers:
        packages = re.split(r" [|:] ", layer)
        height = 58 if packages[0] in _PURPOSES else 34
        rows += _layer(packages, top, height)
        top += height + 2 * _GAP
    name = "The layers of compose-tls: a package imports only from lower layers"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {top}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12" text-anchor="middle">'
    )
    return "\n".join((head, f"<title>{name}</title>", *rows, "</svg>", ""))


def _layer(packages: list[str], top: int, height: int) -> Iterator[str]:
    share = (
        [len(package) + 3 for package in packages]
        if packages[0] not in _PURPOSES
        else [1] * len(packages)
    )
    free = _WIDE - 2 * _MARGIN - _GAP * (len(packages) - 1)
    left = float(_MARGIN)
    for package, part in zip(packages, share, strict=True):
        width, purpose = free * part / sum(share), _PURPOSES.get(package)
        middle, line = left + width / 2, top + height / 2 + (-4 if purpose else 4)
        yield (
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height}" rx="8" '
            'fill="#ffffff" stroke="#1d7874"/>'
        )
        weight = ' font-weight="700" font-size="15"' if purpose else ""
        yield f'<text x="{middle:.1f}" y="{line:g}" fill="#1f2733"{weight}>{escape(package)}</text>'
        if purpose:
            text = escape(purpose)
            yield f'<text x="{middle:.1f}" y="{line + 20:g}" fill="#4a5360">{text}</text>'
        left += width + _GAP


PAGES: Final[dict[str, Callable[[], str]]] = {
    "schema.json": schema,
    "cli.md": cli_page,
    "compose-tls.1": man_page,
    "settings.md": settings_page,
    "library.md": library_page,
    "patched.md": patched_page,
    "architecture.svg": architecture_picture,
}
"""Every file that is made here, by name."""


if __name__ == "__main__":
    for page, make in PAGES.items():
        (DOCS / page).write_text(make(), encoding="utf-8")
