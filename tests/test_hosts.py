"""Who may talk to the server: its own names and its own pages; and whatever comes in, nothing goes out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from benchmarks.hostile_server import POETS, STREAMLIT, AppServer
from benchmarks.outgoing import Outgoing
from poets_core.errors import InvalidInput
from poets_core.hosts import LOCAL, allowed_hosts, host_of

FOREIGN = [
    "evil.test",
    "evil.test:8501",
    "127.0.0.1.evil.test",
    "evil.test#127.0.0.1",
    "127.0.0.1@evil.test",
    "evil.test:80@127.0.0.1",
    "localhost.evil.test",
    "localhost:evil",
    "[::1].evil.test",
    "[::2]",
    "127.0.0.2",
    "0.0.0.0",
    "2130706433",
    "::1",
    "localhost,evil.test",
    "localhost evil.test",
    "локалхост".encode().decode("latin-1"),
    "a" * 300,
    "",
]
ROUTES = [
    "/",
    "/live?run=x",
    "/static/favicon.png",
    "/app/static/plotly.min.js",
    "/media/x.png",
    "/component/x/y.js",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/bidi-components/x/y.js",
    "/_stcore/upload_file/session/file",
    "/auth/login",
    "/nothing",
]


@pytest.mark.parametrize("header", FOREIGN)
def test_a_foreign_host_is_none_of_ours(header: str) -> None:
    assert host_of(header) not in LOCAL


@pytest.mark.parametrize("header", ["127.0.0.1", "localhost:8501", "LOCALHOST.:1", "[::1]:8501", "[::1]"])
def test_our_own_names_are_known_with_and_without_a_port(header: str) -> None:
    assert host_of(header) in LOCAL


def test_a_setting_names_further_hosts() -> None:
    assert allowed_hosts("Poets.Example.org, lab7 [fd00::7]") == LOCAL | {"poets.example.org", "lab7", "fd00::7"}
    for wrong in ("*", "http://poets.example.org", "poets.example.org:80", "a/b", "*.example.org"):
        with pytest.raises(InvalidInput, match="POETS_HOSTS"):
            allowed_hosts(wrong)


@pytest.fixture(scope="module", params=[STREAMLIT, POETS], ids=["streamlit run", "poets app"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, Outgoing]]:
    """The app as either command starts it, with every outgoing request written down."""
    folder = tmp_path_factory.mktemp("hosts")
    outgoing = Outgoing(folder / "asked.log")
    more = {"POETS_HOSTS": "named.test", "STREAMLIT_SERVER_ENABLE_CORS": "true"}
    with AppServer(folder, words=request.param, environment=outgoing.environment | more) as server:
        yield server, outgoing


def test_every_route_refuses_a_foreign_host_and_a_foreign_origin(served: tuple[AppServer, Outgoing]) -> None:
    server, _ = served
    for route in ROUTES:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
            assert server.status(route, {"Host": "evil.test"}, method=method) == 421, (method, route)
            assert server.status(route, {"Origin": "http://evil.test"}, method=method) == 403, (method, route)
    for host in FOREIGN:
        assert server.status("/", {"Host": host}) in (400, 421), host
        assert server.websocket({"Host": host}) in (400, 421), host
    assert server.ask("/", {"Host": ""}, version="1.0")[0] in (400, 421)
    assert server.ask("http://evil.test/", {"Host": "evil.test"})[0] == 421


def test_an_origin_must_be_the_one_that_was_asked(served: tuple[AppServer, Outgoing]) -> None:
    server, outgoing = served
    origins = [
        "http://evil.test",
        "null",
        "http://localhost:1",
        f"http://localhost:{server.port}",
        "file://",
        "http://[",
    ]
    origins += [f"http://{server.own}.evil.test", f"http://evil.test@{server.own}", f"{server.own}", "http://127.0.0.1"]
    for origin in origins:
        assert server.status("/_stcore/host-config", {"Origin": origin}) == 403, origin
        assert server.websocket({"Origin": origin}) == 403, origin
    assert server.status("/_stcore/host-config", {"Origin": f"http://{server.own}"}) == 200
    assert server.websocket({"Origin": f"http://{server.own}"}) == 101
    assert server.websocket({"Origin": "https://named.test", "Host": "named.test"}) == 101
    assert server.websocket({"Origin": "https://named.test", "Host": "evil.test"}) == 421
    assert outgoing.hears()
    assert outgoing.strangers == [], "a request that was turned away made the server ask elsewhere"


def test_other_pages_cannot_load_pieces_of_the_app(served: tuple[AppServer, Outgoing]) -> None:
    server, _ = served
    image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    frame = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert server.status("/static/favicon.png", image) == 403
    assert server.status("/", frame) == 403
    assert server.status("/live?run=x", link) == 200


def test_no_answer_can_be_framed_or_load_from_elsewhere(served: tuple[AppServer, Outgoing]) -> None:
    server, _ = served
    for route, headers in [
        ("/", {}),
        ("/_stcore/health", {}),
        ("/app/static/plotly.min.js", {}),
        ("/", {"Host": "evil"}),
    ]:
        head = server.ask(route, headers)[1].lower()
        assert "x-frame-options: deny" in head
        assert "frame-ancestors 'none'" in head
        assert "default-src 'self'" in head


def test_a_wrong_setting_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="POETS_HOSTS"),
        AppServer(tmp_path, words=POETS, environment={"POETS_HOSTS": "http://poets.example.org"}),
    ):
        pass


BARE = """
import sys
from streamlit import config
from streamlit.web import bootstrap
config.set_option("server.port", int(sys.argv[1]))
bootstrap.run("app.py", False, [], {})
"""


def first_error(server: AppServer) -> str:
    """Open the app as a browser does, and return the first error that it shows."""
    with connect(f"ws://{server.own}/_stcore/stream", subprotocols=["streamlit"]) as socket:  # type: ignore[list-item]
        socket.send(BackMsg(rerun_script=ClientState()).SerializeToString())
        while True:
            message = ForwardMsg.FromString(socket.recv(timeout=120))  # type: ignore[arg-type]
            if message.delta.new_element.alert.body:
                return str(message.delta.new_element.alert.body)


def test_a_server_that_checks_nobody_shows_nothing(tmp_path: Path) -> None:
    with AppServer(tmp_path, words=("-c", BARE)) as server:
        assert server.status("/", {"Host": "evil.test"}) == 200  # nobody checks
        assert "poets app" in first_error(server)
