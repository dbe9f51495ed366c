"""Crawl the running portal and have others judge its pages: links, Nu HTML checker, Lighthouse.

    make audit-pages
    python tools/audit_pages.py --node .venv/node --lighthouse 3

Every page reachable by links from the two home pages is fetched; a link that leads nowhere is an
error. The pages are checked by the Nu HTML checker (npm package vnu-jar, needs Java), and some of
them by Lighthouse (npm package lighthouse, needs Chromium). Exit code 1 when anything is found.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

ACCESSIBILITY, PERFORMANCE = 100, 95
PREFERRED = ("/en/", "/en/conditions/fanconi-anemia/", "/es/conditions/causes/", "/en/experts/")


class Links(HTMLParser):
    """Collects the addresses and the ids of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take links, style sheets, scripts, pictures and ids."""
        values = dict(attrs)
        if tag in {"a", "link", "script", "img"}:
            self.links += [v for k in ("href", "src") if (v := values.get(k))]
        if values.get("id"):
            self.ids.add(str(values["id"]))


@contextmanager
def portal(folder: Path) -> Iterator[str]:
    """Serve the demonstration; give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = "from hematon.cli import main; main()"
    command = [sys.executable, "-c", start, "serve", "--dir", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    site = f"http://localhost:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{site}/healthz").read()  # noqa: S310 - our own server
                break
            except OSError:
                time.sleep(0.1)
        yield site
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def crawl(site: str) -> tuple[dict[str, str], list[str]]:
    """Give every page by its path, and what is wrong with the links."""
    pages: dict[str, str] = {}
    ids: dict[str, set[str]] = {}
    wanted: list[tuple[str, str]] = []
    todo, seen, wrong = [("/en/", "start"), ("/es/", "start")], set(), []
    while todo:
        path, origin = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            with urllib.request.urlopen(site + path) as answer:  # noqa: S310 - our own server
                kind = answer.headers.get_content_type()
                body = answer.read()
                landed = urlsplit(answer.url).path
        except urllib.error.HTTPError as error:
            wrong.append(f"{origin} links to {path}: {error.code}")
            continue
        if kind != "text/html":
            continue
        parser = Links()
        pages[path] = body.decode()
        parser.feed(pages[path])
        ids[path] = ids[landed] = parser.ids
        for link in parser.links:
            address, place = urldefrag(urljoin(site + landed, link))
            parts = urlsplit(address)
            if parts.netloc == urlsplit(site).netloc:
                target = parts.path + (f"?{parts.query}" if parts.query else "")
                todo.append((target, path))
                if place:
                    wanted.append((target, place))
    wrong += [f"no #{place} on {path}" for path, place in wanted if place not in ids.get(path, ())]
    return pages, sorted(set(wrong))


def nu(pages: dict[str, str], node: Path, folder: Path) -> list[str]:
    """Give what the Nu HTML checker says of the pages."""
    jar = node / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    names = {}
    for i, (path, body) in enumerate(sorted(pages.items())):
        file = folder / f"page-{i}.html"
        file.write_text(body, encoding="utf-8")
        names[file.name] = path
    command = ["java", "-jar", str(jar), "--format", "json", "--exit-zero-always"]
    files = [str(folder / name) for name in names]
    said = subprocess.run([*command, *files], capture_output=True, text=True, check=True).stderr
    return [
        f"{names[Path(m['url']).name]}:{m.get('lastLine', 0)}: {m['message']}"
        for m in json.loads(said)["messages"]
        if not (m["type"] == "info" and m.get("subType") != "warning")
    ]


def lighthouse(site: str, path: str, node: Path, folder: Path) -> list[str]:
    """Print the scores of a page on a phone; give those below the goals."""
    out = folder / "lighthouse.json"
    command = [
        str(node / "node_modules" / ".bin" / "lighthouse"), site + path, "--quiet",
        "--output=json", f"--output-path={out}", "--only-categories=accessibility,performance",
        "--chrome-flags=--headless=new --no-sandbox",
    ]  # fmt: skip
    chromium = shutil.which("chromium") or ""
    environment = {**os.environ, "CHROME_PATH": chromium}
    # Its recording of a page load fails now and then, whatever the page.
    for _ in range(3):
        if not subprocess.run(command, check=False, env=environment).returncode:
            break
    else:
        return [f"{path}: Lighthouse failed three times"]
    categories = json.loads(out.read_text())["categories"]
    reached = {name: round(100 * c["score"]) for name, c in categories.items()}
    print(f"Lighthouse {path}: {reached}", flush=True)
    goals = {"accessibility": ACCESSIBILITY, "performance": PERFORMANCE}
    return [f"{path}: {n} {reached[n]}, at least {g}" for n, g in goals.items() if reached[n] < g]


def main() -> int:
    """Crawl, check, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--node", type=Path, required=True, help="folder with node_modules")
    parser.add_argument("--lighthouse", type=int, default=4, help="pages to measure; 0 for none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, portal(Path(name)) as site:
        pages, wrong = crawl(site)
        print(f"{len(pages)} pages, {len(wrong)} wrong links", flush=True)
        found = nu(pages, options.node, Path(name))
        print(f"Nu HTML checker: {len(found)} messages", flush=True)
        wrong += found
        chosen = [path for path in PREFERRED if path in pages]
        chosen += [path for path in sorted(pages) if path not in chosen]
        for path in chosen[: options.lighthouse]:
            wrong += lighthouse(site, path, options.node, Path(name))
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
