"""The server of pieces: it gives what it was given, and nothing else."""

import http.client

import pytest

from edge.errors import LinkError
from edge.flash.piece_server import PROBE_BYTES, PieceServer, address_towards, serving

NAME = "ab" * 32


def get(server: PieceServer, path: str, verb: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(verb, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_piece_is_given_by_its_name() -> None:
    with serving("board.example", "127.0.0.1") as server:
        server.offer({NAME: b"piece"}.get)

        assert get(server, f"/{server.folder}/{NAME}") == (200, b"piece")
        assert get(server, f"/{server.probe}") == (200, PROBE_BYTES)
        assert server.host == "board.example"


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/{folder}", "/{folder}/", "/{folder}/../../etc/passwd", "/{folder}//etc/passwd"),
        *("/etc/passwd", f"/{NAME}", f"/wrong/{NAME}", f"/{{folder}}/{NAME}/.."),
        "/{folder}/%2e%2e",
    ],
)
def test_all_else_is_not_found(path: str) -> None:
    with serving("127.0.0.1", "127.0.0.1") as server:
        server.offer({NAME: b"piece"}.get)

        assert get(server, path.format(folder=server.folder))[0] == 404


def test_nothing_can_be_put_there() -> None:
    with serving("127.0.0.1", "127.0.0.1") as server:
        assert get(server, f"/{server.folder}/{NAME}", "PUT")[0] == 501


def test_before_there_are_pieces_none_is_found() -> None:
    with serving("127.0.0.1", "127.0.0.1") as server:
        assert get(server, f"/{server.folder}/{NAME}")[0] == 404


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(LinkError, match=r"no server at 192\.0\.2\.1"), serving("x", "192.0.2.1"):
        pass


def test_the_address_towards_the_board_is_ours() -> None:
    assert address_towards("127.0.0.1") == "127.0.0.1"
