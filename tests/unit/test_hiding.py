from __future__ import annotations

import re
import time

import pytest

from compose_tls.changes import unified_diff
from compose_tls.hiding import without_credentials, without_secrets
from tests.patience import SOON


def hidden(text: str) -> str:
    return "".join(without_secrets(text.splitlines(keepends=True)))


@pytest.mark.parametrize(
    "text",
    [
        "      MINIO_SECRET_KEY: HUSH # HUSH\n",
        "      minio_secret_key: 'HUSH HUSH'\n",
        '      API_TOKEN: "HUSH\n        HUSH"\n',
        "      - MILVUS_TOKEN=root:HUSH HUSH\r\n",
        '      - "MILVUS_TOKEN=HUSH"\n',
        "  secretAccessKey: HUSH\n",
        "  defaultRootPassword: >-\n    HUSH\n\n    HUSH\n",
        "  password:\n    HUSH\n",
        "  password: ${PASSWORD:-HUSH}\n",
        "  password: 123HUSH\n",
        '    command: ["app", "--token", "HUSH", "--api-key=HUSH"]\n',
        "    command: app --password HUSH --milvus-token 'HUSH'\n",
        "    x: {password: HUSH, minio: {secretAccessKey: 'HUSH'}}\n",
        """    CONFIG: '{"token": "root:HUSH"}'\n""",
        "    url: http://root:HUSH@milvus:19530/db?token=HUSH\n",
        "    command: MILVUS_PASSWORD=HUSH exec app\n",
        "    MILVUS: root:HUSH@milvus:19530\n",
        "    TOKENS: HUSH,HUSH\n",
        "    MILVUS_TOKEN: 4096HUSH\n",
        "    ACCESS_TOKENS: 'HUSH'\n",
        "    MAX_TOKENS_SECRET: HUSH\n",
        "    MAX_TOKENS: HUSH\n",
        "    url: https://HUSH@milvus:19530\n",
    ],
)
def test_a_line_that_holds_a_secret_shows_none(text: str) -> None:
    found = hidden(text)
    assert "HUSH" not in found
    assert found.count("\n") == text.count("\n")
    assert re.split(r"[\"':=\[]", found)[0] == re.split(r"[\"':=\[]", text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "  password: ${PASSWORD}\n  tlsMode: 1\n",
        "  MINIO_SECRET_KEY_FILE: /run/secrets/key\n",
        "    secrets: [a, b]\n",
        "    secrets:\n      - source: a\n        target: /b\n",
        "  authorizationEnabled: true\n  tlsKeyPath: /milvus/tls/server.key\n",
        "    proxy_pass http://milvus:19530;\n",
        "  password:\n  user: a\n",
        "  MAX_TOKENS: 4096\n",
        "  - MAX_TOKENS=4096\n",
        "  max_tokens: '4096' # of the answer\n",
        "  tokensPerMinute: 4_096\n",
        "  TOKEN_LIMIT: 4096\n",
        "  maxTokenLength: 512\n",
        "  PASSWORD_MIN_LENGTH: 12\n",
        "  tokenTTL: 3600\n",
        "  command: app --max-tokens 4096 --token-count=12\n",
        "  x: {max_tokens: 4096, chunkTokens: 512}\n",
        "  TOKENIZER: bert-base\n  tokenizers_parallelism: 2\n",
        "  TOKENIZERS_PARALLELISM=4\n",
        "  image: registry:5000/a@sha256:0123\n  x: http://a:80/b\n",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert hidden(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "  POSTGRES_PASSWORD: 4096\n",
        "  API_TOKEN: 4096\n",
        "  API_TOKEN: '123456789012'\n",
        "  app_secret_key=4096\n",
        "  MAX_TOKENS: 123456789012\n",
        "  x: {token: 4096}\n",
    ],
)
def test_a_number_that_counts_nothing_is_not_shown(text: str) -> None:
    assert re.search(r"\d", hidden(text)) is None


def test_a_diff_shows_what_changes_and_no_secret_beside_it() -> None:
    old = b"a:\n  password: hush\n  mode: 0\n  token: |\n    hush\n"
    shown = unified_diff("a.yml", old, old.replace(b"mode: 0", b"mode: 1"))
    assert "hush" not in shown
    assert "-  mode: 0\n+  mode: 1\n" in shown


def test_an_address_is_shown_without_its_password() -> None:
    assert without_credentials("see http://u:p@h, ssh://u@h") == "see http://u:***@h, ssh://u@h"


@pytest.mark.parametrize(
    "line",
    [
        "token ",
        "token: ",
        "--token ",
        "://a:",
        "a",
        "-",
        '"',
        "token=",
        "${",
        "pass phrase",
        "key.",
    ],
)
def test_a_line_without_end_is_looked_at_once(line: str) -> None:
    for text in (line * 100_000, line * 100_000 + ": token", f"token: {line * 100_000}"):
        began = time.process_time()
        hidden(text)
        without_credentials(text)
        assert time.process_time() - began < SOON
