"""Members of the simulated exchange and the keys that they sign with.

Private keys are made here, written to files that only their owner may read, and never kept.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from boz.sandbox.floor.limits import BASIC, Tier, TokenBucket

ALL_SCOPES: Final = ("read", "write")
#: Every scope that a key may have, in the exchange's words.
KNOWN_SCOPES: Final = frozenset(
    {
        "read",
        "write",
        "read::block_trade_accept",
        "read::portfolio_balance",
        "write::trade",
        "write::transfer",
        "write::block_trade_accept",
    }
)
_RSA_BITS = 2048


class KeyKind(StrEnum):
    """What a key signs with."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the exchange knows it.

    Attributes:
        key_id: The name under which requests are signed.
        user_id: Whose key it is.
        name: Its name for people.
        public_pem: The public half.
        scopes: What it may do, in the exchange's words.
        private_file: Where its owner finds the private half.
    """

    key_id: str
    user_id: str
    name: str
    public_pem: str
    scopes: tuple[str, ...]
    private_file: Path

    @property
    def may_trade(self) -> bool:
        """Say whether it may send orders."""
        return "write" in self.scopes or "write::trade" in self.scopes

    @property
    def may_read(self) -> bool:
        """Say whether it may see everything of its owner."""
        return "read" in self.scopes


@dataclass(slots=True)
class Member:
    """Somebody who trades.

    Attributes:
        user_id: The exchange's identity of the member; also the account's name in the engine.
        tier: How much may be asked per second.
    """

    user_id: str
    tier: Tier = BASIC
    read_bucket: TokenBucket = field(init=False)
    write_bucket: TokenBucket = field(init=False)

    def __post_init__(self) -> None:
        """Fill the buckets."""
        self.read_bucket, self.write_bucket = self.tier.read.filled(), self.tier.write.filled()


class Members:
    """All members and their keys; identities depend on the seed alone, keys never do."""

    def __init__(self, *, seed: int = 0) -> None:
        """Start without members."""
        self._random = random.Random(f"members:{seed}")  # noqa: S311 - identities, not secrets
        self._members: dict[str, Member] = {}
        self._keys: dict[str, Key] = {}
        self._directory: Path | None = None

    def join(self) -> Member:
        """Return a new member, who has no key yet."""
        member = Member(self._identity())
        self._members[member.user_id] = member
        return member

    def make_key(
        self,
        user_id: str,
        *,
        kind: KeyKind = KeyKind.RSA,
        scopes: tuple[str, ...] = ALL_SCOPES,
        name: str = "sandbox",
    ) -> Key:
        """Make a key pair; the private half is in a file, the public half is the exchange's.

        Raises:
            ValueError: If there is no such member, or a scope is unknown.
        """
        if user_id not in self._members:
            raise ValueError(f"there is no member {user_id!r}")
        unknown = sorted(set(scopes) - KNOWN_SCOPES)
        if unknown or not scopes:
            raise ValueError(f"scopes must be some of {sorted(KNOWN_SCOPES)}, were {list(scopes)}")
        private = (
            rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
            if kind is KeyKind.RSA
            else ed25519.Ed25519PrivateKey.generate()
        )
        key_id = self._identity()
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        key = Key(key_id, user_id, name, public.decode(), scopes, self._written(key_id, pem))
        self._keys[key_id] = key
        return key

    def revoke(self, key_id: str) -> None:
        """Make a key worthless and remove its file.

        Raises:
            ValueError: If there is no such key.
        """
        if key_id not in self._keys:
            raise ValueError(f"there is no key {key_id!r}")
        self._keys.pop(key_id).private_file.unlink(missing_ok=True)

    def key(self, key_id: str) -> Key | None:
        """Return a valid key, or None."""
        return self._keys.get(key_id)

    def member(self, user_id: str) -> Member:
        """Return a member by identity."""
        return self._members[user_id]

    def everybody(self) -> list[Member]:
        """Return all members in the order in which they joined."""
        return list(self._members.values())

    def keys_of(self, user_id: str) -> list[Key]:
        """Return a member's valid keys, oldest first."""
        return [key for key in self._keys.values() if key.user_id == user_id]

    def forget_files(self) -> None:
        """Remove every private key from the disk; safe to call twice."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def _identity(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _written(self, key_id: str, pem: bytes) -> Path:
        if self._directory is None:
            # Made for its owner alone (mode 0700).
            self._directory = Path(tempfile.mkdtemp(prefix="boz-sandbox-"))
        path = self._directory / f"{key_id}.pem"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        return path
