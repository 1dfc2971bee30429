"""A small Hugging Face Hub on the loopback interface, and what can go wrong with one."""
import hashlib
import http.server
import json
import pathlib
import re
import threading
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".gguf")


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class HubHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        hub = self.server.hub
        path = urllib.parse.unquote(urllib.parse.urlparse(self.path).path)
        with hub.lock:
            hub.asked.append((path, dict(self.headers)))
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            return self.answer(401, b"Access to this model is restricted.")
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            return self.list(match[1], match[2] or "main")
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            return self.tree(match[1], match[2])
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self.file(match[1], match[2], match[3])
        return self.answer(404, b"Not here")

    do_HEAD = do_GET

    def list(self, repository, revision):
        hub = self.server.hub
        if hub.repositories.get(repository) is None or revision not in ("main", hub.commit):
            return self.answer(404, b"Repository not found")
        files = []
        for name, content in sorted(hub.repositories[repository].items()):
            size = hub.sizes.get(name, len(content))
            entry = {"rfilename": name, "size": size, "blobId": git_sha1(content)}
            if name.endswith(LARGE):
                entry["lfs"] = {"sha256": hub.digest(name, content), "size": size, "pointerSize": 134}
            files.append(entry)
        self.answer(200, json.dumps({"id": repository, "sha": hub.commit, "siblings": files}).encode())

    def tree(self, repository, revision):
        """The same list as huggingface_hub 2 asks for it."""
        hub = self.server.hub
        if hub.repositories.get(repository) is None or revision not in ("main", hub.commit):
            return self.answer(404, b"Repository not found")
        files = []
        for name, content in sorted(hub.repositories[repository].items()):
            entry = {"type": "file", "path": name, "size": len(content), "oid": git_sha1(content)}
            if name.endswith(LARGE):
                entry["lfs"] = {"oid": hub.digest(name, content), "size": len(content), "pointerSize": 134}
            files.append(entry)
        self.answer(200, json.dumps(files).encode())

    def file(self, repository, revision, name):
        hub = self.server.hub
        content = hub.repositories.get(repository, {}).get(name)
        if content is None or revision not in ("main", hub.commit):
            return self.answer(404, b"Entry not found")
        if hub.elsewhere and name.endswith(LARGE):
            return self.answer(302, b"", {"Location": f"{hub.elsewhere.url}/{repository}/resolve/{revision}/{name}?signature=x",
                                          **self.metadata(name, content)})
        if name in hub.together:
            hub.barrier.wait(timeout=30)  # raises when they do not come together: the connection breaks
        if name.endswith(LARGE):
            hub.before_large()
        headers = self.metadata(name, content)
        status, sent = 200, content
        if (asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))) and not hub.ignores_range:
            begin, end = int(asked[1]), min(int(asked[2] or len(content)) + 1, len(content))
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(content)}"
            status, sent = 206, content[begin:end]
        if hub.cuts and name.endswith(LARGE):
            return self.cut(status, sent, headers)
        if hub.hold_at is not None and name.endswith(LARGE):
            return self.hold(sent, headers)
        self.answer(status, sent, headers)

    def hold(self, sent, headers):
        """Stops in the middle until the gate opens."""
        hub = self.server.hub
        self.send_response(200)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent[: hub.hold_at])
        self.wfile.flush()
        hub.held.set()
        hub.gate.wait(timeout=60)
        self.close_connection = True

    def metadata(self, name, content):
        digest = self.server.hub.digest(name, content) if name.endswith(LARGE) else git_sha1(content)
        return {"ETag": f'"{digest}"', "X-Repo-Commit": self.server.hub.commit, "X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{digest}"'}

    def cut(self, status, sent, headers):
        """Half of what is asked for, and then the connection is gone."""
        hub = self.server.hub
        with hub.lock:
            hub.cuts -= 1
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent[: len(sent) // 2])
        self.wfile.flush()
        self.close_connection = True

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class HubHttp(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients that leave early are no news."""


class Hub:
    """`with Hub({"owner/name": folder}) as hub`: serves the folder's files; set the attributes to make it misbehave."""

    def __init__(self, repositories=None):
        self.repositories = {name: read_folder(folder) for name, folder in (repositories or {}).items()}
        self.commit = COMMIT  # what "main" is
        self.sizes = {}  # what the list says instead of the truth
        self.token = ""  # what every request must bring
        self.cuts = 0  # how many answers with large files end in the middle
        self.ignores_range = False
        self.hold_at = None  # large files stop there until the gate opens
        self.before_large = lambda: None  # called before a large file is sent
        self.held, self.gate = threading.Event(), threading.Event()
        self.false_digests = False
        self.together = ()  # two files of which none is sent before both are asked for
        self.barrier = threading.Barrier(2)
        self.elsewhere = None  # another Hub that large files are fetched from
        self.asked = []  # (path, headers)
        self.lock = threading.Lock()
        self.http = HubHttp(("127.0.0.1", 0), HubHandler)
        self.http.hub = self
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def digest(self, name, content):
        return hashlib.sha256(content + (b"!" if self.false_digests else b"")).hexdigest()

    def paths(self, part=""):
        with self.lock:
            return [path for path, _ in self.asked if part in path]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


def read_folder(folder):
    """File names and contents; a mapping is taken as it is."""
    if isinstance(folder, dict):
        return dict(folder)
    folder = pathlib.Path(folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
