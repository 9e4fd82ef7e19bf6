"""The scenarios of run.py: Melder on one side, the Rust library on the other. Runs under the wheel's own Python."""

import base64
import json
import subprocess
import sys

from signal_protocol import address, curve, fingerprint, identity_key, protocol, session, session_cipher, state, storage


class Melder:
    """melder-speaker as a process."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.last_id = 0

    def ask(self, cmd, **fields):
        self.last_id += 1
        self.process.stdin.write(json.dumps({"id": self.last_id, "cmd": cmd, **fields}) + "\n")
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline())
        assert reply["id"] == self.last_id
        return reply

    def do(self, cmd, **fields):
        reply = self.ask(cmd, **fields)
        assert reply["ok"], reply
        return reply

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0


def b64(data):
    return base64.b64encode(bytes(data)).decode()


def raw(text):
    return base64.b64decode(text)


class Rust:
    """One account of the other implementation."""

    def __init__(self):
        self.identity = identity_key.IdentityKeyPair.generate()
        self.registration_id = 4242
        self.store = storage.InMemSignalProtocolStore(self.identity, self.registration_id)
        self.melder = address.ProtocolAddress("melder", 1)
        self.signed = curve.KeyPair.generate()
        public = self.signed.public_key().serialize()
        self.signature = self.identity.private_key().calculate_signature(public)
        record = state.SignedPreKeyRecord(7, 42, self.signed, self.signature)
        self.store.save_signed_pre_key(7, record)

    def bundle(self, one_time):
        bundle = {
            "registrationId": self.registration_id,
            "deviceId": 1,
            "identityKey": b64(self.identity.identity_key().serialize()),
            "signedPreKeyId": 7,
            "signedPreKey": b64(self.signed.public_key().serialize()),
            "signedPreKeySignature": b64(self.signature),
        }
        if one_time:
            pair = curve.KeyPair.generate()
            self.store.save_pre_key(31, state.PreKeyRecord(31, pair))
            bundle["preKeyId"] = 31
            bundle["preKey"] = b64(pair.public_key().serialize())
        return bundle

    def process(self, bundle):
        public = curve.PublicKey.deserialize
        session.process_prekey_bundle(
            self.melder,
            self.store,
            state.PreKeyBundle(
                bundle["registrationId"],
                address.DeviceId(1) if hasattr(address, "DeviceId") else 1,
                bundle.get("preKeyId"),
                public(raw(bundle["preKey"])) if "preKey" in bundle else None,
                bundle["signedPreKeyId"],
                public(raw(bundle["signedPreKey"])),
                raw(bundle["signedPreKeySignature"]),
                identity_key.IdentityKey(raw(bundle["identityKey"])),
            ),
        )

    def encrypt(self, text):
        sent = session_cipher.message_encrypt(self.store, self.melder, text)
        return {"type": "prekey" if sent.message_type() == 3 else "signal", "body": b64(sent.serialize())}

    def decrypt(self, sent):
        body = raw(sent["body"])
        if sent["type"] == "prekey":
            return session_cipher.message_decrypt_prekey(self.store, self.melder, protocol.PreKeySignalMessage.try_from(body))
        return session_cipher.message_decrypt_signal(self.store, self.melder, protocol.SignalMessage.try_from(body))


PEER = {"peer": "rust", "device": 1}


def to_melder(melder, sent):
    return raw(melder.do("decrypt", **PEER, **sent)["plaintext"])


def from_melder(melder, text):
    reply = melder.do("encrypt", **PEER, plaintext=b64(text))
    return {"type": reply["type"], "body": reply["body"]}


def talk(melder, rust):
    """Both directions, several ratchet steps, and messages that overtake each other."""
    for turn in range(3):
        text = f"von Rust {turn}".encode()
        assert to_melder(melder, rust.encrypt(text)) == text
        text = f"von Melder {turn}".encode()
        assert rust.decrypt(from_melder(melder, text)) == text
    first, second = rust.encrypt(b"1"), rust.encrypt(b"2")
    assert to_melder(melder, second) == b"2"
    assert to_melder(melder, first) == b"1"
    first, second = from_melder(melder, b"1"), from_melder(melder, b"2")
    assert rust.decrypt(second) == b"2"
    assert rust.decrypt(first) == b"1"


def melder_begins(melder, one_time):
    rust = Rust()
    melder.do("init", name="melder", device=1)
    melder.do("process-bundle", **PEER, bundle=rust.bundle(one_time))
    first = from_melder(melder, b"Guten Morgen")
    assert first["type"] == "prekey"
    assert rust.decrypt(first) == b"Guten Morgen"
    talk(melder, rust)


def rust_begins(melder, one_time):
    rust = Rust()
    melder.do("init", name="melder", device=1)
    rust.process(melder.do("make-bundle", otpk=one_time)["bundle"])
    sent = rust.encrypt(b"Guten Abend")
    assert sent["type"] == "prekey"
    assert to_melder(melder, sent) == b"Guten Abend"
    assert not melder.ask("decrypt", **PEER, **sent)["ok"], "a replay was accepted"
    talk(melder, rust)


def fences(melder):
    rust = Rust()
    melder.do("init", name="melder", device=1)
    melder.do("process-bundle", **PEER, bundle=rust.bundle(True))
    swapped = Rust().bundle(False)
    assert not melder.ask("process-bundle", **PEER, bundle=swapped)["ok"], "a changed identity was accepted"
    bad = rust.bundle(False)
    bad["signedPreKeySignature"] = b64(bytes(64))
    assert not melder.ask("process-bundle", **PEER, bundle=bad)["ok"], "a bad signature was accepted"
    sent = from_melder(melder, b"x")
    broken = bytearray(raw(sent["body"]))
    broken[-1] ^= 1
    assert not melder.ask("decrypt", **PEER, type="prekey", body=b64(broken))["ok"]
    assert not melder.ask("make-bundle", kyber=True)["ok"]
    assert rust.decrypt(sent) == b"x", "a refused command must leave the session as it was"


def signatures(melder):
    rust = Rust()
    own = melder.do("init", name="melder", device=1)["identityKey"]
    message = b"Melder"
    signature = raw(melder.do("sign", message=b64(message))["signature"])
    assert curve.PublicKey.deserialize(raw(own)).verify_signature(message, signature)
    theirs = rust.identity.private_key().calculate_signature(message)
    key = b64(rust.identity.identity_key().serialize())
    verify = {"message": b64(message), "identityKey": key}
    assert melder.do("verify", **verify, signature=b64(theirs))["valid"]
    forged = bytearray(theirs)
    forged[3] ^= 1
    assert not melder.do("verify", **verify, signature=b64(forged))["valid"]


def safety_numbers(melder):
    rust = Rust()
    own = melder.do("init", name="melder", device=1)["identityKey"]
    theirs = rust.identity.identity_key()
    number = fingerprint.Fingerprint(
        2, 5200, b"anna", identity_key.IdentityKey(raw(own)), b"ben", theirs
    ).display_string()
    ours = melder.do(
        "fingerprint", localId="anna", remoteId="ben", remoteIdentityKey=b64(theirs.serialize()), version=2, iterations=5200
    )["displayable"]
    assert ours == number, (ours, number)


def main():
    melder = Melder(sys.argv[1])
    scenarios = {
        "Melder begins, with a one-time prekey": lambda: melder_begins(melder, True),
        "Melder begins, without one": lambda: melder_begins(melder, False),
        "Rust begins, with a one-time prekey": lambda: rust_begins(melder, True),
        "Rust begins, without one": lambda: rust_begins(melder, False),
        "fences": lambda: fences(melder),
        "signatures": lambda: signatures(melder),
        "safety numbers": lambda: safety_numbers(melder),
    }
    for name, scenario in scenarios.items():
        scenario()
        print(f"interop: {name}: ok")
    melder.end()


if __name__ == "__main__":
    main()
