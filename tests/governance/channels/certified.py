"""A certificate of a test's own for a name on loopback, and which names a server was asked for with it."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agentos.core.clock import utc_now


class Certified:
    """`certificate` is what a client has to trust, `context` what a server shows."""

    def __init__(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject, at = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), utc_now()
        builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(at - timedelta(days=1)).not_valid_after(at + timedelta(days=1))
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        signed = builder.sign(key, hashes.SHA256())
        self.certificate = signed.public_bytes(serialization.Encoding.PEM).decode()
        self.asked_for: list[str | None] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        with TemporaryDirectory() as place:
            path = Path(place, "certificate.pem")
            path.write_text(self.certificate + key.private_bytes(*plain).decode())
            self.context.load_cert_chain(path)
        self.context.sni_callback = lambda connection, asked, context: self.asked_for.append(asked)
