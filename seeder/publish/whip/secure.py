"""DTLS (RFC 5764) and the SRTP keys that come of it, without I/O: datagrams in, datagrams out.

OpenSSL and libsrtp do the work. Who is at the other end is proven by its certificate's fingerprint, which the
offer named.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pylibsrtp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

MTU = 1200
"""Bytes of a datagram that every path carries (as WebRTC's own)."""
VALID = timedelta(days=30)
CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
)
WINDOW = 1024
"""Packets by which one may come late and still be told from a replay."""


@dataclass(frozen=True, slots=True)
class _Profile:
    name: bytes
    kind: int
    key: int
    salt: int


PROFILES = (
    _Profile(b"SRTP_AEAD_AES_128_GCM", pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    _Profile(b"SRTP_AES128_CM_SHA1_80", pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
)


class UnprovenError(Exception):
    """The other end is not who made the offer, or speaks no DTLS that we know."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Our certificate: it signs itself, and lives as long as this process."""

    context: SSL.Context
    fingerprint: str
    """SHA-256, with colons."""
    until: datetime


def identity() -> Identity:
    """A new one."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "live-torrent")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID)
        .sign(key, hashes.SHA256())
    )
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_options(SSL.OP_NO_TICKET)
    # Any certificate: its fingerprint is compared once the handshake is over.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_cipher_list(CIPHERS)
    context.set_tlsext_use_srtp(b":".join(profile.name for profile in PROFILES))
    digest = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    return Identity(context, digest, now + VALID)


@dataclass(slots=True)
class Secure:
    """One connection's."""

    identity: Identity
    fingerprints: tuple[tuple[str, str], ...]
    """Of the other end's certificate, see :class:`~seeder.publish.whip.offer.Offer`."""
    client: bool
    """We speak first."""
    closed: bool = False
    """The other end has said that it leaves."""
    _ssl: SSL.Connection = field(init=False, repr=False)
    _inbound: pylibsrtp.Session | None = field(init=False, default=None, repr=False)
    _outbound: pylibsrtp.Session | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        self._ssl = SSL.Connection(self.identity.context)
        self._ssl.set_ciphertext_mtu(MTU)
        if self.client:
            self._ssl.set_connect_state()
        else:
            self._ssl.set_accept_state()

    @property
    def ready(self) -> bool:
        return self._inbound is not None

    def receive(self, data: bytes | None) -> list[bytes]:
        """A datagram of DTLS (``None``: none, begin) → those to send. Raises :class:`UnprovenError`."""
        if data is not None:
            self._ssl.bio_write(data)
        try:
            if not self.ready:
                self._ssl.do_handshake()
                self._finish()
            self._ssl.recv(2048)  # nobody sends anything; the end is noticed here
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.Error as error:
            if not self.ready:
                raise UnprovenError("the DTLS handshake failed") from error
            self.closed = True
        return self._written()

    def again(self) -> list[bytes]:
        """What was sent last, if no answer to it came in time."""
        try:
            self._ssl.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise UnprovenError("the DTLS handshake got no answer") from error
        return self._written()

    @property
    def patience(self) -> float | None:
        """Seconds until :meth:`again` has something to do."""
        return self._ssl.DTLSv1_get_timeout()

    def close(self) -> list[bytes]:
        """The end, for the other end."""
        try:
            self._ssl.shutdown()
        except SSL.Error:
            return []
        return self._written()

    def media(self, data: bytes) -> bytes | None:
        """RTP of SRTP; ``None``: not the other end's."""
        try:
            return None if self._inbound is None else bytes(self._inbound.unprotect(data))
        except (pylibsrtp.Error, ValueError):  # ValueError: longer than any packet
            return None

    def control(self, data: bytes) -> bytes | None:
        """RTCP of SRTCP; ``None``: not the other end's."""
        try:
            return None if self._inbound is None else bytes(self._inbound.unprotect_rtcp(data))
        except (pylibsrtp.Error, ValueError):  # ValueError: longer than any packet
            return None

    def sealed(self, data: bytes) -> bytes:
        """SRTCP of RTCP."""
        assert self._outbound is not None
        return bytes(self._outbound.protect_rtcp(data))

    def _finish(self) -> None:
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            raise UnprovenError("the publisher showed no certificate")
        der = certificate.public_bytes(serialization.Encoding.DER)
        for digest, told in self.fingerprints:
            found = hashlib.new(digest.replace("-", ""), der).hexdigest()
            if not hmac.compare_digest(found.encode(), told.encode()):
                raise UnprovenError("the publisher's certificate is not the one that its offer names")
        chosen = self._ssl.get_selected_srtp_profile()
        profile = next((one for one in PROFILES if one.name == chosen), None)
        if profile is None:
            raise UnprovenError("no SRTP profile in common")
        keys = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (profile.key + profile.salt))
        ours, theirs = (0, 1) if self.client else (1, 0)
        self._outbound = _session(profile, keys, ours, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self._inbound = _session(profile, keys, theirs, pylibsrtp.Policy.SSRC_ANY_INBOUND)

    def _written(self) -> list[bytes]:
        data = b""
        try:
            while True:
                data += self._ssl.bio_read(65536)
        except SSL.Error:
            pass
        return datagrams(data)


def datagrams(data: bytes) -> list[bytes]:
    """OpenSSL writes a flight in one piece: whole records (RFC 6347 §4.1), as many as fit into one each."""
    out: list[bytes] = []
    at = 0
    while at + 13 <= len(data):
        size = 13 + int.from_bytes(data[at + 11 : at + 13], "big")
        record = data[at : at + size]
        if out and len(out[-1]) + len(record) <= MTU:
            out[-1] += record
        else:
            out.append(record)
        at += size
    return out


def _session(profile: _Profile, keys: bytes, side: int, kind: int) -> pylibsrtp.Session:
    """``side``: 0 for what DTLS's client sends, 1 for its server's (RFC 5764 §4.2)."""
    salts = 2 * profile.key
    key = keys[side * profile.key : (side + 1) * profile.key]
    salt = keys[salts + side * profile.salt : salts + (side + 1) * profile.salt]
    policy = pylibsrtp.Policy(key=key + salt, ssrc_type=kind, srtp_profile=profile.kind)
    policy.window_size = WINDOW
    policy.allow_repeat_tx = True
    return pylibsrtp.Session(policy)
