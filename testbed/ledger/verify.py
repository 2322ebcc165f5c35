"""Verifies the checkpoints and proofs of a log folder with sigstore's Python client: `verify.py FOLDER`.

Notes, checkpoints and inclusion are sigstore's code; the consistency proof, which it does not have, is checked by the
steps of RFC 9162 section 2.1.4.2. None of our code runs here. On failure the check is named before the colon.
"""

import base64
import hashlib
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore.errors import VerificationError

OLD, NEW = 23333, 70000
PROOFS = 8


class Broken(Exception):
    pass


class Keyring:
    """What sigstore asks for a key; `before` says what a kind of signature has in front."""

    def __init__(self, vkey, kind):
        self.name, key_id, key = vkey.strip().split("+", 2)
        key = base64.b64decode(key, validate=True)
        self.key_id = hashlib.sha256(self.name.encode() + b"\n" + key).digest()[:4]
        if self.key_id.hex() != key_id or key[0] != kind:
            raise Broken("keys: the key is not what it says")
        self.kind, self.key = kind, Ed25519PublicKey.from_public_bytes(key[1:])

    def verify(self, *, key_id, signature, data):
        if self.kind == 4:
            (time,), signature = struct.unpack(">Q", signature[:8]), signature[8:]
            data = b"cosignature/v1\ntime %d\n" % time + data
        try:
            self.key.verify(signature, data)
        except InvalidSignature as error:
            raise VerificationError(f"the signature of {self.name} does not fit") from error


def checked(check, what, *arguments):
    try:
        return what(*arguments)
    except (VerificationError, ValueError) as error:
        raise Broken(f"{check}: {error}") from error


def opened(check, text, keyrings):
    signed = checked(check, SignedCheckpoint.from_text, text)
    if len(signed.signed_note.signatures) != len(keyrings):
        raise Broken(f"{check}: {len(signed.signed_note.signatures)} signatures")
    for keyring in keyrings:
        checked(check, signed.signed_note.verify, keyring, keyring.key_id)
    if signed.checkpoint.origin != keyrings[0].name:
        raise Broken(f"{check}: not a checkpoint of {keyrings[0].name}")
    return signed.checkpoint.log_size, bytes.fromhex(signed.checkpoint.log_hash)


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def consistent(old, old_root, new, new_root, proof):
    if old & (old - 1) == 0:
        proof = [old_root, *proof]
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = proof[0]
    for part in proof[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node(part, before), node(part, after)
            while not at & 1 and at != 0:
                at, last = at >> 1, last >> 1
        else:
            after = node(after, part)
        at, last = at >> 1, last >> 1
    return before == old_root and after == new_root and last == 0


def split(check, text, heads):
    head, separator, signed = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or len(lines) < heads:
        raise Broken(f"{check}: too short")
    return lines[:heads], [checked(check, base64.b64decode, line, None, True) for line in lines[heads:]], signed


def verify(folder):
    text = lambda name: (folder / name).read_bytes().decode()
    keyrings = [Keyring(text("log.vkey"), 1), Keyring(text("witness.vkey"), 4)]
    size, root = opened("checkpoint", text("checkpoint"), keyrings)
    old_size, old_root = opened("checkpoint", text(f"checkpoint.{OLD}"), keyrings)
    if (old_size, size) != (OLD, NEW):
        raise Broken(f"checkpoint: sizes {old_size} and {size}")

    head, proof, signed = split("consistency", text(f"add-checkpoint.{NEW}"), 1)
    if head != [f"old {OLD}"] or opened("consistency", signed, keyrings) != (size, root):
        raise Broken("consistency: it is for other checkpoints")
    if not consistent(old_size, old_root, size, root, proof):
        raise Broken("consistency: the proof does not hold")

    proofs = sorted((folder / "proofs").glob("*.tlog-proof"))
    if len(proofs) < PROOFS:
        raise Broken(f"proof: only {len(proofs)}")
    for path in proofs:
        head, hashes, signed = split("proof", path.read_bytes().decode(), 2)
        if head != ["c2sp.org/tlog-proof@v1", f"index {path.stem}"]:
            raise Broken(f"proof: {head}")
        if opened("proof", signed, keyrings) != (size, root):
            raise Broken("proof: it is for another checkpoint")
        inclusion = SimpleNamespace(log_index=int(path.stem), tree_size=size, hashes=hashes, root_hash=root)
        entry = path.with_suffix(".entry").read_bytes()
        inner = SimpleNamespace(inclusion_proof=inclusion, canonicalized_body=entry)
        checked("proof", verify_merkle_inclusion, SimpleNamespace(_inner=inner))
    print(f"python: checkpoints, cosignatures, consistency and {len(proofs)} proofs verified")


if __name__ == "__main__":
    try:
        verify(Path(sys.argv[1]))
    except Broken as broken:
        sys.exit(str(broken))
