"""Ask every external address in the course whether it is still there: ``make links``.

Reads pages, notebooks (their sources, not their outputs), the bibliography, the error index and the
docstrings of what git tracks. The exit status is 1 if an address is gone: status 404 or 410, or no
such host. A site that refuses programs (401, 403, 429 and the like), or does not answer in time,
says nothing about its page: such addresses are listed, and do not fail. Needs the network, so no
test calls it. WORDs choose addresses that contain one of them.
"""

import argparse
import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = (".bib", ".cff", ".ipynb", ".md", ".py", ".toml", ".yaml", ".yml")
LEFT_OUT = ("tests/",)  # addresses there are data, made up or out of other people's reports
# Made up, on this machine, or ours: what the buttons open is compared with the files by the tests.
NOT_ASKED = re.compile(
    r"https?://(localhost|127\.|[\w.-]*example\.(com|org)|mybinder\.org/v2/"
    r"|colab\.research\.google\.com/github/|doi\.org/?$)"
)
ADDRESS = re.compile(r"https?://[^\s<>\"'`\\{}|^\[\]*$]+")
GONE = {404, 410}
HEADERS = {"User-Agent": "Mozilla/5.0 (link check of the course Autoencoders that run)"}


def addresses(text):
    """The external addresses in a text, without anchors and what only follows them."""
    found = set()
    for match in ADDRESS.findall(text):
        address = match.rstrip(".,;:!?")
        # A bracket at the end is part of it only if it was opened in it, as in Wikipedia's.
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(".,;:!?")
        address = address.split(")](")[0].split("#")[0]
        if "." in address and not NOT_ASKED.match(address):
            found.add(address)
    return found


def text_of(path):
    """What a reader or contributor sees of a file; of a notebook, the sources of its cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    return text


def collect(root=ROOT):
    """A dict from each address to the names of the files in which it stands."""
    listing = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True)
    found = defaultdict(list)
    for name in listing.stdout.splitlines():
        path = root / name
        if path.suffix in KINDS and not name.startswith(LEFT_OUT) and path.exists():
            for address in addresses(text_of(path)):
                found[address].append(name)
    return dict(found)


def ask(address, timeout=30, pause=5):
    """Ask for one address; return "there", "gone" or "unknown", and why.

    Args:
        address: with http or https.
        timeout: seconds to wait for an answer.
        pause: seconds before a second try, if the first says nothing.
    """
    for wait in (pause, None):
        try:
            request = urllib.request.Request(address, headers=HEADERS)
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return "there", str(answer.status)
        except urllib.error.HTTPError as error:
            if error.code in GONE:
                return "gone", str(error.code)
            why = str(error.code)
        except (OSError, ValueError) as error:  # no answer, no encryption, no address
            reason = getattr(error, "reason", error)
            if isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_NONAME:
                return "gone", "no such host"
            why = str(reason)
        if wait is not None:
            time.sleep(wait)
    return "unknown", why


def ask_all(found, pause=0.5, ask=ask):
    """Ask for all addresses, sixteen hosts at a time, one after the other at each host."""
    hosts = defaultdict(list)
    for address in sorted(found):
        hosts[urllib.parse.urlsplit(address).netloc].append(address)

    def one_host(host):
        answers = []
        for address in hosts[host]:
            answers.append((address, *ask(address)))
            time.sleep(pause)
        return answers

    with ThreadPoolExecutor(16) as pool:
        return [answer for answers in pool.map(one_host, hosts) for answer in answers]


def main(arguments=None):
    """Ask, and say what is gone and where it stands; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only addresses with one of these in them")
    parser.add_argument("--list", action="store_true", help="say what would be asked")
    options = parser.parse_args(arguments)
    found = {
        address: names
        for address, names in collect().items()
        if not options.words or any(word in address for word in options.words)
    }
    if not found:
        parser.error("no address has such a word in it")
    if options.list:
        print(*sorted(found), sep="\n")
        return 0
    answers = ask_all(found)
    if all(state != "there" for _, state, _ in answers):
        print("Not one address has answered as it should: there seems to be no network.")
        return 1
    for wanted in ("unknown", "gone"):
        for address, state, why in answers:
            if state == wanted:
                print(f"{state} ({why}): {address}\n    in {', '.join(sorted(found[address])[:5])}")
    counts = Counter(state for _, state, _ in answers)
    print(", ".join(f"{counts[state]} {state}" for state in ("there", "unknown", "gone")))
    return int(bool(counts["gone"]))


if __name__ == "__main__":
    sys.exit(main())
