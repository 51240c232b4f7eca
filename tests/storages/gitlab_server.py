"""A small server that speaks GitLab's documented API of repository files.

https://docs.gitlab.com/api/repository_files and /api/repositories (the tree).
"""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

TOKEN = "glpat-of-the/tests"
PROJECT = "group/sub group/project"
BRANCH = "objects"
PREFIX = "/api/v4/projects/group%2Fsub%20group%2Fproject/repository/"
OVERTAKEN = "Could not update refs/heads/objects. Please refresh and try again."


class GitLabServer:
    """One project with one branch, in this process's memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.messages: list[str] = []
        # Statuses with which the next requests are answered instead.
        self.faults: list[int] = []
        # Commits that are made, but whose answer is lost.
        self.lost_answers = 0
        # Commits that another one, made elsewhere, overtakes.
        self.overtaken = 0
        # Answers that are cut off after this many bytes of a file.
        self.cuts: list[int] = []
        self.committing = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def location(self, more: str = "") -> str:
        port = self.server.server_port
        token, project = TOKEN.replace("/", "%2F"), PROJECT.replace(" ", "%20")
        return (
            f"gitlab://{token}@127.0.0.1:{port}/{project}"
            f"?tls=false&branch={BRANCH}&prefix=store-{uuid4().hex}{more}"
        )

    def commit(self, message: str, path: str, data: bytes | None) -> None:
        self.messages.append(message)
        if data is None:
            del self.files[path]
        else:
            self.files[path] = data


def handler_of(state: GitLabServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def go(self) -> None:
            url = urlsplit(self.path)
            self.query = {name: one[0] for name, one in parse_qs(url.query).items()}
            size = int(self.headers.get("Content-Length") or 0)
            self.sent = json.loads(self.rfile.read(size) or b"{}")
            if state.faults:
                self.refuse(state.faults.pop(0), "a fault")
            elif self.headers.get("PRIVATE-TOKEN") != TOKEN:
                self.refuse(401, "401 Unauthorized")
            elif not url.path.startswith(PREFIX):
                self.refuse(404, "404 Project Not Found")
            else:
                self.route(url.path.removeprefix(PREFIX))

        do_GET = do_HEAD = do_POST = do_DELETE = go

        def route(self, path: str) -> None:
            if path == "tree":
                self.tree()
                return
            name = path.removeprefix("files/")
            wants_raw = name.endswith("/raw")
            file = unquote(name.removesuffix("/raw"))
            assert "/" not in name.removesuffix("/raw"), "the path must be encoded"
            if self.command in ("POST", "DELETE"):
                self.change(file)
            elif self.query["ref"] != BRANCH:
                self.refuse(404, "404 Commit Not Found")
            elif file not in state.files:
                self.refuse(404, "404 File Not Found")
            elif wants_raw:
                self.raw(state.files[file])
            else:
                self.answer(200, b"", **self.headers_of(state.files[file]))

        def change(self, file: str) -> None:
            if state.overtaken or not state.committing.acquire(blocking=False):
                state.overtaken = max(state.overtaken - 1, 0)
                self.refuse(400, OVERTAKEN)
                return
            try:
                self.make_commit(file)
            finally:
                state.committing.release()

        def make_commit(self, file: str) -> None:
            given = self.sent or self.query
            if given["branch"] != BRANCH:
                self.refuse(400, "You can only create or edit files on a branch")
            elif self.command == "POST" and file in state.files:
                self.refuse(400, "A file with this name already exists")
            elif self.command == "DELETE" and file not in state.files:
                self.refuse(400, "A file with this name doesn't exist")
            else:
                self.carry_out(file, given)

        def carry_out(self, file: str, given: dict[str, str]) -> None:
            data = None
            if self.command == "POST":
                assert given["encoding"] == "base64"
                data = b64decode(given["content"], validate=True)
            state.commit(given["commit_message"], file, data)
            if state.lost_answers:
                state.lost_answers -= 1
                self.refuse(502, "Bad Gateway")
            elif self.command == "POST":
                body = {"file_path": file, "branch": BRANCH}
                self.answer(201, json.dumps(body).encode())
            else:
                self.answer(204, b"")

        def raw(self, data: bytes) -> None:
            if state.cuts:
                self.answer(200, data[: state.cuts.pop(0)], length=len(data))
                self.close_connection = True
            else:
                self.answer(200, data)

        def tree(self) -> None:
            folder = self.query.get("path", "").strip("/") + "/"
            below = [
                path.removeprefix(folder).split("/")
                for path in state.files
                if path.startswith(folder)
            ]
            kinds = {one[0]: "tree" if len(one) > 1 else "blob" for one in below}
            found = [{"name": name, "type": kind} for name, kind in kinds.items()]
            self.answer(200, json.dumps(found).encode())

        def headers_of(self, data: bytes) -> dict[str, str]:
            return {
                "X-Gitlab-Size": str(len(data)),
                "X-Gitlab-Content-Sha256": sha256(data).hexdigest(),
                "X-Gitlab-Ref": BRANCH,
            }

        def refuse(self, status: int, message: str) -> None:
            self.answer(status, json.dumps({"message": message}).encode())

        def answer(
            self, status: int, body: bytes, length: int | None = None, **headers: str
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(length or len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler
