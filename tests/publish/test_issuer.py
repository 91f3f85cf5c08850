"""Tokens of an issuer, as others' libraries make them."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from seeder.errors import ConfigError
from seeder.publish import Claim, RefusedError
from seeder.publish.issuer import Issuer, read_keys

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SECRET = b"0123456789abcdef0123456789abcdef"
KINDS: dict[str, Any] = {"RS256": RSA, "ES256": EC, "EdDSA": ED, "HS256": SECRET}


def pem(private: Any) -> bytes:
    return bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def file_of(folder: Path, data: bytes) -> Path:
    file = folder / "issuer"
    file.write_bytes(data)
    return file


def issuer(folder: Path, kind: str, audience: str | None = None) -> Issuer:
    data = SECRET + b"\n" if kind == "HS256" else pem(KINDS[kind])
    return Issuer(read_keys(file_of(folder, data)), audience)


def token(kind: str = "ES256", ident: str | None = None, key: Any = None, **content: Any) -> str:
    content = {"sub": "garden", "exp": int(time.time()) + 600} | content
    content = {name: value for name, value in content.items() if value is not None}
    headers = {} if ident is None else {"kid": ident}
    return jwt.encode(content, key or KINDS[kind], kind, headers)


def claim(key: str, stream: str | None = None) -> Claim:
    return Claim("whip", "192.0.2.7", key, stream)


async def refused(by: Issuer, key: str) -> RefusedError:
    with pytest.raises(RefusedError) as told:
        await by(claim(key))
    assert key[:20] not in str(told.value) or not key
    return told.value


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_opens_its_stream_until_it_ends(tmp_path: Path, kind: str) -> None:
    ends = int(time.time()) + 600
    grant = await issuer(tmp_path, kind)(claim(token(kind, exp=ends)))
    assert (grant.stream, grant.key, grant.until) == ("garden", "", ends)


async def test_a_stream_of_its_own_name_comes_before_the_subject(tmp_path: Path) -> None:
    by = issuer(tmp_path, "ES256")
    assert (await by(claim(token(**{"sub": "someone", "live-torrent.stream": "pond"})))).stream == "pond"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
async def test_the_algorithm_is_that_of_the_issuers_key(tmp_path: Path, kind: str, other: str) -> None:
    if kind != other:
        assert (await refused(issuer(tmp_path, kind), token(other))).status == 401


async def test_a_public_key_is_no_secret_to_sign_with(tmp_path: Path) -> None:
    """The oldest attack on JWTs: HS256 with what everybody has as the secret."""

    def part(data: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=")

    import hmac

    content = {"sub": "garden", "exp": int(time.time()) + 600}
    for kind in ("RS256", "ES256", "EdDSA"):
        signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(content)
        digest = base64.urlsafe_b64encode(hmac.digest(pem(KINDS[kind]), signed, "sha256")).rstrip(b"=")
        await refused(issuer(tmp_path, kind), (signed + b"." + digest).decode())
    for alg in ("none", "None", "", None):
        unsigned = part({"alg": alg}) + b"." + part(content) + b"."
        for kind in KINDS:
            await refused(issuer(tmp_path, kind), unsigned.decode())


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        ({"exp": 1_000_000_000}, 401, "expired"),
        ({"exp": None}, 401, "no such key"),
        ({"exp": "soon"}, 401, "no such key"),
        ({"nbf": 4_000_000_000}, 401, "no such key"),
        ({"sub": None}, 403, "names no stream"),
        ({"sub": "../garden"}, 403, "names no stream"),
        ({"live-torrent.stream": ["garden"]}, 403, "names no stream"),
        ({"aud": "elsewhere"}, 403, "another audience"),
    ],
)
async def test_what_a_token_must_say(tmp_path: Path, content: dict[str, Any], status: int, told: str) -> None:
    refusal = await refused(issuer(tmp_path, "ES256"), token(**content))
    assert (refusal.status, told in str(refusal)) == (status, True), str(refusal)


async def test_the_audience_is_looked_at_where_one_is_named(tmp_path: Path) -> None:
    by = issuer(tmp_path, "ES256", "live")
    assert (await by(claim(token(aud=["other", "live"])))).stream == "garden"
    assert (await refused(by, token(aud="other"))).status == 403
    assert (await refused(by, token())).status == 401


async def test_an_end_beyond_all_times_is_one(tmp_path: Path) -> None:
    grant = await issuer(tmp_path, "ES256")(claim(token(exp=10**400)))
    assert grant.until is not None
    assert grant.until < 10**13


async def test_a_forged_or_changed_token_opens_nothing(tmp_path: Path) -> None:
    by = issuer(tmp_path, "ES256")
    good = token()
    head, content, sign = good.split(".")
    other = token(sub="pond").split(".")[1]
    forged = token(key=ec.generate_private_key(ec.SECP256R1()))
    wrong = ["", "lt_x", "..", "a.b.c", f"{head}.{other}.{sign}", f"{head}.{content}.", forged, "ü.ü.ü"]
    for text in (*wrong, "\udc80.\udc80.\udc80", good + "A" * 5000):
        assert (await refused(by, text)).status == 401


async def test_a_set_of_keys_finds_the_one_by_its_id(tmp_path: Path) -> None:
    first, second = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    rows = [
        json.loads(ECAlgorithm.to_jwk(first.public_key())) | {"kid": "1", "alg": "ES256", "use": "sig"},
        json.loads(ECAlgorithm.to_jwk(second.public_key())) | {"kid": "2"},
        json.loads(RSAAlgorithm.to_jwk(RSA.public_key())) | {"kid": "3"},
        json.loads(OKPAlgorithm.to_jwk(ED.public_key())),
        {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET).decode().rstrip("=")},
    ]
    by = Issuer(read_keys(file_of(tmp_path, json.dumps({"keys": rows}).encode())))
    for good in (
        token(ident="1", key=first),
        token(ident="2", key=second),
        token(key=second),
        token("RS256", ident="3"),
        token("EdDSA", ident="whatever"),
        token("HS256"),
    ):
        assert (await by(claim(good))).stream == "garden"
    await refused(by, token(ident="1", key=second))
    one = Issuer(read_keys(file_of(tmp_path, json.dumps(rows[0]).encode())))
    assert (await one(claim(token(key=first)))).stream == "garden"


def private_jwk() -> bytes:
    return json.dumps({"keys": [json.loads(ECAlgorithm.to_jwk(EC))]}).encode()


def weak() -> bytes:
    return pem(rsa.generate_private_key(65537, 1024))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: b"", "must hold a public key"),
        (lambda: b"too-short-a-secret-value", "a secret of 32 bytes"),
        (lambda: SECRET + b"\n" + SECRET, "one line"),
        (lambda: b"-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----\n", "no public key in PEM"),
        (lambda: EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "holds a private key"),
        (private_jwk, "holds a private key"),
        (weak, "1024 bits"),
        (lambda: pem(ec.generate_private_key(ec.SECP384R1())), "of another kind"),
        (lambda: b"{", "not JSON"),
        (lambda: b'{"keys": []}', "1 to 16 keys"),
        (lambda: b'{"keys": [1]}', "no key of a known kind"),
        (lambda: b'{"kty": "oct", "k": "c2hvcnQ"}', "a secret of 32 bytes"),
        (lambda: b"x" * 70_000, "longer than any key"),
    ],
)
def test_a_key_file_that_cannot_be_used_says_why(
    tmp_path: Path, make: Callable[[], bytes], told: str
) -> None:
    data = make()
    with pytest.raises(ConfigError, match="--jwt-key: ") as error:
        read_keys(file_of(tmp_path, data))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_key_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read_keys(tmp_path / "nowhere")
