# A mail server that writes down what it gets; 021_courier.pl runs it.
#
# Arguments: a file to which it writes each message, one JSON object in a line, and, to offer encryption
# and ask for the user "courier" then, a certificate, its key and the user's password.  Prints the port
# that it listens on.  It has no mailbox for addresses that begin with "nobody".
import asyncio
import base64
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Keeper:
    """Takes messages."""

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 there is no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "encrypted": session.ssl is not None,
                          "user": session.authenticated, "message": base64.b64encode(envelope.content).decode()}),
              file=record, flush=True)
        return "250 OK"


def knows(server, session, envelope, mechanism, given):
    """Whether user and password are right."""
    return AuthResult(success=given.login == b"courier" and given.password == sys.argv[4].encode())


async def serve():
    settings = {}
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        settings = dict(tls_context=context, require_starttls=True, authenticator=knows, auth_required=True)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Keeper(), hostname="mail.example.org", **settings), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


record = open(sys.argv[1], "a", encoding="utf-8")
asyncio.run(serve())
