"""A store that speaks as much of the protocol of S3 as Icechunk asks for: objects in memory, put where they are as expected."""

import hashlib
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


def tag(data):
    return hashlib.md5(data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """One connection; names of objects begin with their bucket."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, data=b"", **headers):
        self.send_response(code)
        headers = {"Content-Length": len(data), "Last-Modified": self.date_time_string()} | headers
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def asked(self):
        """(name, query, body) of a request."""
        parts, body = urlsplit(self.path), self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return unquote(parts.path).strip("/"), parse_qs(parts.query, keep_blank_values=True), body

    def do_GET(self):
        name, query, _ = self.asked()
        objects = self.server.objects
        if "list-type" in query:
            first = f"{name}/{query.get('prefix', [''])[0]}"
            found = "".join(f"<Contents><Key>{escape(key.partition('/')[2])}</Key><Size>{len(data)}</Size></Contents>"
                            for key, data in sorted(objects.items()) if key.startswith(first))
            self.answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode())
        elif name not in objects:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            data, asked = objects[name], re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            part = slice(int(asked[1]), int(asked[2]) + 1 if asked[2] else None) if asked else slice(None)
            place = {"Content_Range": f"bytes {part.start}-{part.start + len(data[part]) - 1}/{len(data)}"} if asked else {}
            self.answer(206 if asked else 200, data[part], ETag=f'"{tag(data)}"', **place)

    do_HEAD = do_GET

    def do_PUT(self):
        name, _, data = self.asked()
        with self.server.turn:
            here, expected = self.server.objects.get(name), self.headers.get("If-Match")
            if (self.headers.get("If-None-Match") and here is not None) or (
                    expected and (here is None or expected.strip('"') != tag(here))):
                self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
                return
            self.server.objects[name] = data
        self.answer(200, ETag=f'"{tag(data)}"')


@contextmanager
def s3_server():
    """(address, objects by name) of a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.objects, server.turn = {}, threading.Lock()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.objects
    finally:
        server.shutdown()
        server.server_close()
