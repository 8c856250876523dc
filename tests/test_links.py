"""`make links` finds the addresses, and tells a page that is gone from a site that refuses."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import links  # noqa: E402


@pytest.fixture
def server():
    """A site with pages "/200", "/404", ..., and "/to/X", which redirects to "/X"."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            to = self.path.startswith("/to/")
            self.send_response(302 if to else int(self.path[1:4]))
            if to:
                self.send_header("Location", self.path[3:])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{site.server_port}", asked
    site.shutdown()
    site.server_close()


@pytest.mark.parametrize(
    "page, state, times",
    [
        ("/200", "there", 1),
        ("/404", "gone", 1),
        ("/410", "gone", 1),
        ("/403", "unknown", 2),
        ("/503", "unknown", 2),
        ("/to/200", "there", 2),
        ("/to/404", "gone", 2),
    ],
)
def test_the_answer_is_read_and_asked_for_twice_if_it_says_nothing(server, page, state, times):
    address, asked = server
    found, why = links.ask(address + page, pause=0)
    assert (found, len(asked)) == (state, times) and why == page[-3:]


def test_no_answer_is_no_judgement(server):
    address, _ = server
    port = int(address.rsplit(":", 1)[1])
    assert links.ask("http://127.0.0.1:1/", timeout=2, pause=0)[0] == "unknown", port


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("see [this](https://keras.io/a/#part), and", {"https://keras.io/a/"}),
        ("<https://a.org/x>. (https://b.org/y_(z)).", {"https://a.org/x", "https://b.org/y_(z)"}),
        (r"\url{https://a.org/x}} and `https://b.org/y`", {"https://a.org/x", "https://b.org/y"}),
        ("https://a.org/x, https://a.org/x; https://a.org/x!", {"https://a.org/x"}),
        ('f"https://a.org/{name}"', {"https://a.org/"}),
        (
            "https://example.org/ http://localhost:8888/lab http://127.0.0.1:1/x https://host/",
            set(),
        ),
        ("https://mybinder.org/v2/gh/ada/vae/main?urlpath=lab", set()),
    ],
)
def test_addresses_are_cut_out_of_their_text(text, wanted):
    assert links.addresses(text) == wanted


def test_pages_notebooks_bibliography_and_error_index_are_read():
    found = links.collect()
    kinds = {Path(name).suffix for names in found.values() for name in names}
    assert {".bib", ".ipynb", ".md", ".yaml"} <= kinds and len(found) > 100
    assert not [name for names in found.values() for name in names if name.startswith("tests/")]


def run(monkeypatch, capsys, states):
    """The exit status and words of the command, if addresses are in these states."""
    monkeypatch.setattr(links, "collect", lambda: {f"https://a.org/{s}": ["a.md"] for s in states})
    answer = links.ask_all
    ask = lambda address: (address.rsplit("/", 1)[1], "why")  # noqa: E731
    monkeypatch.setattr(links, "ask_all", lambda found: answer(found, pause=0, ask=ask))
    return links.main([]), capsys.readouterr().out


def test_only_what_is_gone_fails(monkeypatch, capsys):
    assert run(monkeypatch, capsys, ["there", "unknown"])[0] == 0


def test_what_is_gone_is_named_with_its_file(monkeypatch, capsys):
    status, told = run(monkeypatch, capsys, ["there", "gone"])
    assert status == 1 and "gone (why): https://a.org/gone\n    in a.md\n" in told
    assert "1 there, 0 unknown, 1 gone" in told


def test_without_a_network_nothing_passes(monkeypatch, capsys):
    status, told = run(monkeypatch, capsys, ["unknown"])
    assert status == 1 and "no network" in told
