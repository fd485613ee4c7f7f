"""Logins, mirrors, insecure hosts and challenges: what people and servers write."""

import base64
import json
import os
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.oci.registry.access import Challenge, challenges
from edge.oci.registry.credentials import Login, parse_credentials, read_credentials
from edge.oci.registry.endpoint import registries
from edge.oci.registry.registry import credentials_name
from edge.system.reference import registry_reference

SECRET = base64.b64encode(b"me:pass:word").decode()
HUB_HOST = "registry-1.docker.io"
HUB = f"https://{'index'}.docker.io/v1/"


def urls(text: str, *mirrors: str, insecure: tuple[str, ...] = ()) -> list[str]:
    found = registries(mirrors, insecure).endpoints(registry_reference(text))
    return [one.url("x") for one in found]


def test_the_longest_path_of_a_login_counts() -> None:
    auths = {
        HUB: {"auth": SECRET},
        "example.com": {"username": "a", "password": "b"},
        "https://example.com/team/": {"identitytoken": "t"},
        "empty.example.com": {},
    }
    known = parse_credentials(json.dumps({"auths": auths, "credsStore": "secret"}), "config.json")

    assert known.helper("other.example.com/a") == "docker-credential-secret"
    assert known.for_repository("docker.io/library/a") == Login("me", "pass:word")
    assert known.for_repository("example.com/other/a") == Login("a", "b")
    assert known.for_repository("example.com/team/a") == Login(refresh_token="t")
    assert known.for_repository("example.com.evil.org/a") is None
    assert known.for_repository("empty.example.com/a") is None


@pytest.mark.parametrize(
    ("said", "login"),
    [
        pytest.param('{"Username":"me","Secret":"word"}', Login("me", "word"), id="login"),
        pytest.param('{"Username":"<token>","Secret":"t"}', Login(refresh_token="t"), id="token"),
        pytest.param("credentials not found; exit 1", None, id="unknown"),
    ],
)
def test_a_program_that_keeps_logins_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, login: Login | None
) -> None:
    words, _, ending = said.partition("; ")
    program = tmp_path / "docker-credential-fake"
    script = f"#!/bin/sh\ncat >{tmp_path}/asked\necho '{words}'\n{ending}\n"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    known = parse_credentials('{"credHelpers": {"example.com": "fake"}}', "config.json")

    assert known.for_repository("example.com/team/a") == login
    assert (tmp_path / "asked").read_text() == "example.com"
    assert known.for_repository("other.example.com/a") is None


def test_a_login_shows_nothing_when_it_is_printed() -> None:
    assert "word" not in repr(Login("me", "word", "word"))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"auths": {"a": {"auth": "%%secret"}}}',
        "[]",
        '{"auths":7}',
        '{"credsStore":"../secret"}',
        '{"credHelpers":{"a":7}}',
    ],
)
def test_a_damaged_file_of_logins_is_told_without_what_is_in_it(text: str) -> None:
    with pytest.raises(InputError, match=r"config\.json: ") as caught:
        parse_credentials(text, "config.json")

    assert "secret" not in str(caught.value)


def test_the_file_of_logins_is_where_docker_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    assert read_credentials().logins == {}
    (folder / "config.json").write_text(json.dumps({"auths": {"a.example.com": {"auth": SECRET}}}))

    assert read_credentials().for_repository("a.example.com/x") == Login("me", "pass:word")


def test_the_hub_has_a_host_of_its_own_and_a_login_by_its_name() -> None:
    (endpoint,) = registries().endpoints(registry_reference("alpine"))

    assert endpoint.url("x") == f"https://{HUB_HOST}/v2/library/alpine/x"
    assert credentials_name(endpoint) == "docker.io/library/alpine"


def test_plain_http_is_for_this_machine_and_insecure_hosts() -> None:
    assert urls("localhost:5000/a") == ["http://localhost:5000/v2/a/x"]
    assert urls("[::1]:5000/a") == ["http://[::1]:5000/v2/a/x"]
    assert urls("127.0.0.1/a") == ["http://127.0.0.1/v2/a/x"]
    assert urls("lan.example.com/a") == ["https://lan.example.com/v2/a/x"]
    assert urls("127.0.0.1.example.com/a") == ["https://127.0.0.1.example.com/v2/a/x"]
    assert urls("lan.example.com/a", insecure=("lan.example.com",)) == [
        "http://lan.example.com/v2/a/x"
    ]


def test_mirrors_come_first_and_keep_the_rest_of_the_path() -> None:
    assert urls("busy/box", "docker.io=m.example.com/hub", "docker.io/busy=n.example.com") == [
        "https://m.example.com/v2/hub/busy/box/x",
        "https://n.example.com/v2/box/x",
        f"https://{HUB_HOST}/v2/busy/box/x",
    ]
    assert len(urls("busybox/a", "docker.io/busy=n.example.com")) == 1


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("m.example.com", "is not PREFIX=HOST"),
        ("docker.io=", "is not PREFIX=HOST"),
        ("docker.io=ftp://m.example.com", "is not PREFIX=HOST"),
        ("docker.io=http://m.example.com", "is plain HTTP"),
    ],
)
def test_a_mirror_that_can_not_be_is_told(word: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        registries([word])


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (
            'Bearer realm="https://a.example.com/t?x=1",service="s",scope="repository:a:pull,push"',
            Challenge("bearer", "https://a.example.com/t?x=1", "s", "repository:a:pull,push"),
        ),
        ("BASIC Realm=x", Challenge("basic", "x")),
        ('Bearer error="invalid, token" , realm="r"', Challenge("bearer", "r")),
    ],
)
def test_a_challenge_is_read(header: str, found: Challenge) -> None:
    assert list(challenges([header])) == [found]


def test_two_challenges_in_one_header_are_two() -> None:
    found = list(challenges(['Basic realm="a", Bearer realm="b",service="c"', "Negotiate"]))

    assert [one.scheme for one in found] == ["basic", "bearer"]
