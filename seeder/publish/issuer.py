"""Publishers whose key is a JWT (RFC 7519) of an issuer that the operator named by its key.

What a token must say: ``exp``, until when it may publish, and the stream: ``live-torrent.stream``, or else
``sub``. Its algorithm is the one that the issuer's key is for (RFC 8725 §3.1), never what the token says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from seeder.errors import ConfigError
from seeder.publish.claim import Claim, Grant, RefusedError
from seeder.publish.keys import MAX_KEY
from seeder.values import stream_name

MAX_FILE = 64 * 1024
"""Bytes of a key file: an issuer's key set is some kilobytes."""
MOST = 16
"""Keys of one issuer: each is tried for a token that does not say whose it is."""
LEAST_SECRET = 32
"""Bytes of a shared secret, as RFC 7518 §3.2 wants for HS256."""
LEAST_RSA = 2048
"""Bits, as RFC 7518 §3.3 wants for RS256."""
LEEWAY = 10
"""Seconds by which the issuer's clock may differ from ours."""
LATEST = 1 << 40
"""Unix seconds: who says a later end says never."""
STREAM = "live-torrent.stream"


@dataclass(frozen=True, slots=True)
class IssuerKey:
    algorithm: str
    key: Any
    """As PyJWT takes it."""
    ident: str | None = None
    """``kid``, where it came in a set."""


class Issuer:
    """An :data:`~seeder.publish.claim.Access`. ``audience``: what ``aud`` must hold; None: a token for a
    certain audience is for somebody else."""

    def __init__(self, keys: tuple[IssuerKey, ...], audience: str | None = None) -> None:
        self._keys = keys
        self._audience = audience

    async def __call__(self, claim: Claim) -> Grant:
        if len(claim.key) > MAX_KEY or claim.key.count(".") != 2:
            raise RefusedError("no such key")
        try:
            header = jwt.get_unverified_header(claim.key)
        except (jwt.InvalidTokenError, ValueError):  # ValueError: no ASCII
            raise RefusedError("no such key") from None
        content = self._verified(claim.key, header.get("alg"), header.get("kid"))
        try:
            stream = stream_name(content.get(STREAM, content.get("sub")))
        except ValueError:
            raise RefusedError("the token names no stream", 403) from None
        return Grant(stream, "", min(int(content["exp"]), LATEST))

    def _verified(self, token: str, algorithm: object, ident: object) -> dict[str, Any]:
        refusal = RefusedError("no such key")
        for key in self._keys:
            if key.algorithm != algorithm or (None not in (ident, key.ident) and ident != key.ident):
                continue
            try:
                return dict(
                    jwt.decode(
                        token,
                        key.key,
                        algorithms=[key.algorithm],
                        audience=self._audience,
                        leeway=LEEWAY,
                        options={"require": ["exp"] + (["aud"] if self._audience else [])},
                    )
                )
            except jwt.ExpiredSignatureError:
                refusal = RefusedError("the token has expired")
            except jwt.InvalidAudienceError:
                refusal = RefusedError("the token is for another audience", 403)
            except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
                continue  # who signed it is not known, or it says things that cannot be
        raise refusal


def read_keys(file: Path) -> tuple[IssuerKey, ...]:
    """What ``--jwt-key`` holds: a public key (PEM), a JWK or a set of them (RFC 7517), or a line that is the
    secret of HS256. Raises :class:`ConfigError`, which tells nothing of a secret."""
    try:
        with file.open("rb") as source:
            data = source.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError(f"--jwt-key: cannot read {file}: {error.strerror or error}") from None
    try:
        if len(data) > MAX_FILE:
            raise ValueError("is longer than any key")
        if b"-----BEGIN" in data:
            return (_public(data),)
        if data.lstrip().startswith(b"{"):
            return _set(data)
        return (_secret(data.strip(b"\r\n")),)
    except ValueError as error:
        raise ConfigError(f"--jwt-key: {file} {error}") from None


def _public(pem: bytes) -> IssuerKey:
    if b"PRIVATE KEY" in pem:
        raise ValueError("holds a private key: the issuer keeps that, here its public key is needed")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("holds no public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    return IssuerKey(_algorithm(key), key)


def _algorithm(key: object) -> str:
    if isinstance(key, RSAPublicKey):
        if key.key_size < LEAST_RSA:
            raise ValueError(f"holds an RSA key of {key.key_size} bits: at least {LEAST_RSA} are needed")
        return "RS256"
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return "ES256"
    if isinstance(key, Ed25519PublicKey):
        return "EdDSA"
    raise ValueError("holds a key of another kind: RSA, P-256 and Ed25519 are known here")


def _secret(secret: bytes, ident: str | None = None) -> IssuerKey:
    if len(secret) < LEAST_SECRET or b"\n" in secret:
        raise ValueError(
            f"must hold a public key (PEM), a JWK set or one line, a secret of {LEAST_SECRET} bytes or more"
        )
    return IssuerKey("HS256", secret, ident)


def _set(data: bytes) -> tuple[IssuerKey, ...]:
    try:
        document = json.loads(data)
    except ValueError:
        raise ValueError("is not JSON, though it begins like that") from None
    rows = document.get("keys", [document])
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST:
        raise ValueError(f"must hold 1 to {MOST} keys")
    return tuple(_jwk(row) for row in rows if not isinstance(row, dict) or row.get("use", "sig") == "sig")


def _jwk(row: object) -> IssuerKey:
    wrong = ValueError("holds an entry that is no key of a known kind (RSA, P-256, Ed25519 or a secret)")
    if not isinstance(row, dict):
        raise wrong
    if "d" in row:
        raise ValueError("holds a private key: the issuer keeps that, here its public key is needed")
    ident = row.get("kid")
    # Without what it says of its algorithm: that follows from the key.
    plain = {name: value for name, value in row.items() if name not in ("alg", "use", "key_ops")}
    try:
        key = jwt.PyJWK(plain).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise wrong from None
    if isinstance(key, bytes):
        made = _secret(key, ident)
    else:
        made = IssuerKey(_algorithm(key), key, ident)
    if row.get("alg", made.algorithm) != made.algorithm:
        raise ValueError(
            f"holds a key for {str(row['alg'])[:20]!r}, which would be used for {made.algorithm}"
        )
    return made
