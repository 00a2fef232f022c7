"""Certificates and keys for tests, made anew for each: an authority, and what it signs, as PEM files in one directory."""

import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
USAGES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


class Issued:
    """The paths of a certificate and its key."""

    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key


class Authority:
    """A root of its own; `path` is its certificate."""

    def __init__(self, directory, name="ca"):
        self.directory, self.name = directory, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        usage = x509.KeyUsage(key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False,
                              key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                              decipher_only=False)
        self._certificate = (
            x509.CertificateBuilder().subject_name(self._subject).issuer_name(self._subject)
            .public_key(self._key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - 30 * DAY).not_valid_after(now + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256()))
        self.path = self._write(f"{name}.pem", self._certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _write(self, name, octets, mode):
        """As a whole or not at all, as who renews certificates does it."""
        path = os.path.join(self.directory, name)
        with os.fdopen(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(octets)
        os.rename(path + ".new", path)
        return path

    def issue(self, file, dns_names=(), usage="server", days=(-1, 20), is_rsa=False, common_name=None):
        """`days`: from when and until when it is good, counted from today."""
        key = rsa.generate_private_key(65537, 2048) if is_rsa else ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name or file)]))
            .issuer_name(self._subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([USAGES[usage]]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False))
        if dns_names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in dns_names]),
                                            critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Issued(
            self._write(f"{file}.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644),
            self._write(f"{file}.key", key.private_bytes(serialization.Encoding.PEM,
                                                         serialization.PrivateFormat.PKCS8,
                                                         serialization.NoEncryption()), 0o600))
