"""An HTTPS server on loopback with a private CA, for policies of many hosts at one port.

What a host answers, and with which certificate, is told by `sites`: host name -> Site. The host is found in the
ClientHello. Certificates are made on the spot, when they are needed first.
"""

import collections
import datetime
import os
import re
import socket
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HELLO_OCTETS = 4096
REQUEST_OCTETS = 16384
PATH = "/.well-known/mta-sts.txt"
NAME = re.compile(rb"mta-sts\.[a-z0-9.-]+")


def policy(mode="enforce", mx=("mx.example",), max_age=86400, more=""):
    hosts = "".join(f"mx: {host}\r\n" for host in mx)
    return f"version: STSv1\r\nmode: {mode}\r\n{hosts}max_age: {max_age}\r\n{more}"


class Site:
    """`certificate`: valid, expired, future, wrong-name, untrusted, self-signed, cn-only, wildcard, partial-wildcard, or none for a
    server that speaks no TLS. `pace_s`: so long between two octets of the body. `chunked`: no Content-Length."""

    def __init__(self, body=b"", status=200, content_type="text/plain", certificate="valid", headers=(), pace_s=0,
                 delay_s=0, chunked=False):
        self.body = body.encode() if isinstance(body, str) else body
        self.status = status
        self.content_type = content_type
        self.certificate = certificate
        self.headers = list(headers)
        self.pace_s = pace_s
        self.delay_s = delay_s
        self.chunked = chunked


class Authority:
    """A CA whose certificates the daemon trusts, if it is told to."""

    def __init__(self, directory):
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.stranger = ec.generate_private_key(ec.SECP256R1())
        self.server_key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "assay test CA")])
        self.path = os.path.join(directory, "ca.pem")
        self._write(self.path, self._certificate(self.name, self.key.public_key(), self.key, ca=True))

    @staticmethod
    def _write(path, certificate, key=None):
        with open(path, "wb") as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
            if key:
                file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                             serialization.NoEncryption()))

    def _certificate(self, subject, public_key, signer, names=None, days=(-1, 30), ca=False, issuer=None):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or self.name).public_key(public_key)
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now + datetime.timedelta(days=days[0]))
                   .not_valid_after(now + datetime.timedelta(days=days[1]))
                   .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
        return builder.sign(signer, hashes.SHA256())

    def context(self, host, kind, hosts):
        """A server context with a certificate of that kind for the host; a valid one is for all of `hosts`."""
        parent = host.split(".", 1)[1]
        names = {"wrong-name": ["other.example"], "cn-only": None, "wildcard": ["*." + parent],
                 "partial-wildcard": ["m*." + parent]}.get(kind, hosts)
        days = {"expired": (-30, -1), "future": (1, 30)}.get(kind, (-1, 30))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64] if kind == "cn-only" else "server")])
        signer, issuer = {"untrusted": (self.stranger, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger")])),
                          "self-signed": (self.server_key, subject)}.get(kind, (self.key, self.name))
        path = os.path.join(self.directory, f"{kind}-{host}.pem")
        self._write(path, self._certificate(subject, self.server_key.public_key(), signer, names, days, issuer=issuer),
                    self.server_key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        os.unlink(path)
        return context


class HttpsServer:
    """Serves from the moment it is made until stop(), which can be undone by start()."""

    def __init__(self, directory, sites=None, address="127.0.0.1", shared=1):
        self.shared = shared  # so many hosts share a certificate: making one takes time
        self.authority = Authority(directory)
        self.ca_file = self.authority.path
        self.sites = sites if sites is not None else {}
        self.requests = collections.Counter()  # host -> requests
        self.hellos = collections.Counter()    # host -> connections that began a handshake
        self.connections = self.open = self.open_most = 0
        self.address_open, self.address_most = collections.Counter(), collections.Counter()  # by our own address
        self.last_request = b""
        self._contexts = {}
        self._lock = threading.Lock()
        self._address = (address, 0)
        self._listener = None
        self.start()

    def start(self):
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(self._address)
        self._listener.listen(1024)
        self._address = self._listener.getsockname()
        self.port = self._address[1]
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def stop(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def configuration(self, more=""):
        """The mta-sts section of a daemon that trusts this server."""
        return (f'mta-sts {{ ca-file = "{self.ca_file}" https-port = {self.port} allow-private-addresses = true '
                f"{more} }}\n")

    # ---- connections ----

    def _serve(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            address = connection.getsockname()[0]
            with self._lock:
                self.connections += 1
                self.open += 1
                self.open_most = max(self.open_most, self.open)
                self.address_open[address] += 1
                self.address_most[address] = max(self.address_most[address], self.address_open[address])
            threading.Thread(target=self._connection, args=(connection, address), daemon=True).start()

    def _connection(self, connection, address):
        try:
            connection.settimeout(30)
            self._answer(connection)
        except (OSError, ssl.SSLError):
            pass
        finally:
            with self._lock:
                self.open -= 1
                self.address_open[address] -= 1
            connection.close()

    def _host_of(self, hello):
        """The name stands in the ClientHello as it is; what stands behind it may look like more of it."""
        for found in NAME.finditer(hello):
            name = found.group().decode()
            while name and name not in self.sites:
                name = name[:-1]
            if name:
                return name
        return None

    def _context(self, host, kind):
        with self._lock:
            context = self._contexts.get((host, kind))
            if not context:
                hosts = self._neighbours(host, kind)
                context = self.authority.context(host, kind, hosts)
                self._contexts.update({(neighbour, kind): context for neighbour in hosts})
            return context

    def _neighbours(self, host, kind):
        """Those that share a certificate with the host, itself among them."""
        if kind != "valid":
            return [host]
        hosts = list(self.sites)
        at = hosts.index(host) // self.shared * self.shared
        return hosts[at:at + self.shared]

    def _hello(self, connection):
        """What can be seen of the ClientHello, which may come in pieces."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            hello = connection.recv(HELLO_OCTETS, socket.MSG_PEEK)
            if not hello or self._host_of(hello):
                return hello
            time.sleep(0.01)
        return b""

    def _answer(self, connection):
        host = self._host_of(self._hello(connection))
        if not host:
            return
        site = self.sites[host]
        with self._lock:
            self.hellos[host] += 1
        if site.certificate == "none":
            connection.sendall(b"HTTP/1.1 400 no TLS here\r\n\r\n")
            return
        with self._context(host, site.certificate).wrap_socket(connection, server_side=True) as stream:
            request = b""
            while b"\r\n\r\n" not in request and len(request) < REQUEST_OCTETS:
                more = stream.recv(REQUEST_OCTETS)
                if not more:
                    return
                request += more
            with self._lock:
                self.requests[host] += 1
                self.last_request = request
            self._respond(stream, site, request)

    @staticmethod
    def _respond(stream, site, request):
        time.sleep(site.delay_s)
        if not request.startswith(f"GET {PATH} HTTP/1.1\r\n".encode()):
            stream.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        head = [f"HTTP/1.1 {site.status} Status", "Connection: close"]
        if site.content_type is not None:
            head.append(f"Content-Type: {site.content_type}")
        head.append("Transfer-Encoding: chunked" if site.chunked else f"Content-Length: {len(site.body)}")
        stream.sendall("\r\n".join(head + site.headers + ["", ""]).encode())
        if site.pace_s:
            for octet in site.body:
                stream.sendall(bytes([octet]))
                time.sleep(site.pace_s)
        elif site.chunked:
            for at in range(0, len(site.body), 4096):
                piece = site.body[at:at + 4096]
                stream.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            stream.sendall(b"0\r\n\r\n")
        else:
            stream.sendall(site.body)
        try:
            stream.unwrap()
        except (OSError, ssl.SSLError):
            pass
