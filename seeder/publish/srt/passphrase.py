"""Whether an SRT caller encrypts with a passphrase: seen in the key material of its conclusion. Pure.

libsrt would find out, too, but only once there is one: nobody else's stream is taken over, and no process
started, for who does not know the passphrase.
"""

from __future__ import annotations

import hashlib

_BEGIN = b"\x12\x20\x29"
"""Version 1, a key material message, the sign (draft-sharabayko-srt-01 §3.2.2)."""
_FIXED = 16
_ROUNDS = 2048  # of PBKDF2 (§6.1.4)


def opens(passphrase: str, material: bytes) -> bool:
    """Whether the stream's key was wrapped with ``passphrase``; False for what is no key material, too."""
    # Late: cryptography takes 50 ms, which most runs need not wait for.
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

    if len(material) < _FIXED or not material.startswith(_BEGIN):
        return False
    salt, length = material[14] * 4, material[15] * 4
    wrapped = material[_FIXED + salt :]
    if salt < 8 or length not in (16, 24, 32) or len(wrapped) not in (length + 8, 2 * length + 8):
        return False
    seed = material[_FIXED + salt - 8 : _FIXED + salt]
    wrapping = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), seed, _ROUNDS, length)
    try:
        aes_key_unwrap(wrapping, wrapped)
    except InvalidUnwrap:
        return False
    return True
