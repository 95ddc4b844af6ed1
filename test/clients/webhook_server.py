# A receiver of webhooks that behaves as the path says; 021_courier.pl runs it.
#
# Arguments: a file to which it writes each request, one JSON object in a line, and, to speak HTTPS, a
# certificate and its key.  Prints the port that it listens on.  Paths, of which what follows is free:
#
#   /ok        200                      /reset     the connection is reset
#   /slow/2    200, after 2 seconds     /redirect  302 to /target
#   /500       that status              /huge      200 with 1 MB
#   /429       429, Retry-After: 100    /again     500 the first time, then 200
#   /robot     200, with errcode 45009 in the body the first time, then with 0
#   /odd       200, with errcode "0", a text, in the body
#   /garbage   something that is not HTTP, nor UTF-8
#   /bytes     200 with bytes that are not UTF-8
import base64
import http.server
import json
import socket
import ssl
import struct
import sys
import threading
import time

record = open(sys.argv[1], "a", encoding="utf-8")
lock = threading.Lock()
seen = {}


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        """Say nothing on standard error."""

    def note(self, body):
        """Write down the request; gives how often its path was asked for before."""
        with lock:
            before = seen.get(self.path, 0)
            seen[self.path] = before + 1
            print(json.dumps({"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()},
                              "body": base64.b64encode(body).decode()}), file=record, flush=True)
        return before

    def answer(self, status, body=b'{"errcode": 0}', **headers):
        """Answer with a status, a body and headers."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def break_off(self):
        """Reset the connection."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def do_POST(self):
        before = self.note(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        kind, _, rest = self.path.split("?")[0].lstrip("/").partition("/")
        if kind == "slow":
            time.sleep(float(rest.split("/")[0]))
            self.answer(200)
        elif kind == "reset":
            self.break_off()
        elif kind == "redirect":
            self.answer(302, Location="/target")
        elif kind == "huge":
            self.answer(200, b"x" * 1000000)
        elif kind == "429":
            self.answer(429, Retry_After="100")
        elif kind == "again":
            self.answer(500 if before == 0 else 200)
        elif kind == "robot":
            self.answer(200, json.dumps({"errcode": 45009 if before == 0 else 0, "errmsg": "so it is"}).encode())
        elif kind == "odd":
            self.answer(200, b'{"errcode": "0"}')
        elif kind == "garbage":
            self.wfile.write(b"\xff\xfe\x00 not HTTP\r\n\r\n")
            self.close_connection = True
        elif kind == "bytes":
            self.answer(200, b"\xff\x00\xc3")
        else:
            self.answer(int(kind) if kind.isdigit() else 200)

    do_GET = do_POST    # as who follows a redirect asks

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass        # the sender has hung up


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def handle_error(self, request, client_address):
        """Say nothing of handshakes that fail."""

    def finish_request(self, request, client_address):
        if context:
            request = context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)


context = None
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
server = Server(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
