"""A console and devices with terminals; the commands of a person."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.cli.main import main
from tests.fakes.console import Console
from tests.fakes.support import Support

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def support(tmp_path_factory: pytest.TempPathFactory) -> Support:
    return Support.make(tmp_path_factory.mktemp("support"))


@pytest.fixture
def edge(
    shared: Console,
    support: Support,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Run `edge devices terminal` of a person who has a key of support."""
    monkeypatch.setenv("EDGE_CONSOLE_URL", shared.api_url)
    monkeypatch.setenv("EDGE_CONSOLE_TOKEN_FILE", str(shared.site.admin_token))
    monkeypatch.setenv("EDGE_CONSOLE_CA", str(shared.site.authority))

    def run(*words: object, key: Path | None = None) -> tuple[int, str, str]:
        capfd.readouterr()
        named = ["--key", f"file:{key or support.folder / 'support-1.pem'}"]
        status = main(["devices", "terminal", *(str(word) for word in words), *named])
        return status, *capfd.readouterr()

    return run
