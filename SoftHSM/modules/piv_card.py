"""A simulated PIV card that behaves like a YubiKey 5.4, for tests without hardware.

It implements NIST SP 800-73-4 and Yubico's extensions for generating keys and signing:

- RSA 2048, P-256 and P-384 in the slots 9a, 9c, 9d, 9e and 82 to 95; signatures, decryption and ECDH;
- a PIN and a PUK with three tries each, and PIN policies;
- data objects, which can be written after authentication with the management key (3DES);
- version, serial number and metadata.

It does not support key import, attestation, touch or secure messaging. Nothing is protected: the state,
including private keys, is in a JSON file. The file is replaced atomically, so after a crash the card has the
state before or after a command.
"""

import json
import os
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, modes

try:  # Its location since version 43.
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

APPLICATION = bytes.fromhex("a000000308000010000100")
SHORTEST_APPLICATION_PREFIX = 5
VERSION = bytes([5, 4, 3])

# Instructions of PIV, then of Yubico.
VERIFY = 0x20
CHANGE_REFERENCE_DATA = 0x24
RESET_RETRY_COUNTER = 0x2C
GENERATE_KEY_PAIR = 0x47
GENERAL_AUTHENTICATE = 0x87
SELECT = 0xA4
GET_RESPONSE = 0xC0
GET_DATA = 0xCB
PUT_DATA = 0xDB
GET_METADATA = 0xF7
GET_SERIAL = 0xF8
GET_VERSION = 0xFD
SET_MANAGEMENT_KEY = 0xFF

CHAINING = 0x10

# Status words.
OK = 0x9000
MORE_DATA = 0x6100
WRONG_TRIES_LEFT = 0x63C0
WRONG_LENGTH = 0x6700
NOT_ALLOWED = 0x6982
BLOCKED = 0x6983
WRONG_DATA = 0x6A80
NOT_FOUND = 0x6A82
WRONG_PARAMETERS = 0x6A86
NO_SUCH_REFERENCE = 0x6A88
UNKNOWN_INSTRUCTION = 0x6D00
INTERNAL_ERROR = 0x6F00

# Key references.
PIN_REFERENCE = 0x80
PUK_REFERENCE = 0x81
MANAGEMENT_KEY_REFERENCE = 0x9B
SIGNATURE_SLOT = 0x9C
CARD_AUTHENTICATION_SLOT = 0x9E
SLOTS = {0x9A, SIGNATURE_SLOT, 0x9D, CARD_AUTHENTICATION_SLOT, *range(0x82, 0x96)}

# Algorithms.
TRIPLE_DES_ALGORITHMS = (0x00, 0x03)
TRIPLE_DES_KEY_LENGTH = 24
RSA_2048 = 0x07
CURVES = {0x11: ec.SECP256R1(), 0x14: ec.SECP384R1()}

# 0 selects the default policy of the slot.
DEFAULT_POLICY = 0
PIN_NEVER, PIN_ONCE, PIN_ALWAYS = 1, 2, 3
TOUCH_NEVER = 1

MADE_HERE = 1

FACTORY_PIN = "123456"
FACTORY_PUK = "12345678"
FACTORY_MANAGEMENT_KEY = "010203040506070801020304050607080102030405060708"
TRIES = 3
PIN_LENGTH = 8

DISCOVERY_OBJECT = "7e"


class Refusal(Exception):
    """Ends a command with a status word."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04x}")
        self.status = status


# Tags, lengths and values.


def tlv(tag: int, value: bytes) -> bytes:
    return to_bytes(tag) + encoded_length(len(value)) + value


def to_bytes(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


def encoded_length(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    digits = to_bytes(length)
    return bytes([0x80 | len(digits)]) + digits


def parse_tlv(encoded: bytes) -> dict[int, bytes]:
    """The values by tag. In these commands each tag occurs at most once per level."""
    fields = {}
    position = 0

    def take(count: int) -> bytes:
        nonlocal position
        taken = encoded[position : position + count]
        if len(taken) != count:
            raise Refusal(WRONG_DATA)
        position += count
        return taken

    while position < len(encoded):
        tag = take(1)
        if tag[0] & 0x1F == 0x1F:
            tag += take(1)
        length = take(1)[0]
        if length & 0x80:
            length = int.from_bytes(take(length & 0x7F), "big")
        fields[int.from_bytes(tag, "big")] = take(length)
    return fields


def required(fields: dict[int, bytes], tag: int) -> bytes:
    if tag not in fields:
        raise Refusal(WRONG_DATA)
    return fields[tag]


@dataclass(frozen=True)
class Command:
    """A command of ISO 7816-4, with lengths of one byte or three."""

    class_byte: int
    instruction: int
    p1: int
    p2: int
    data: bytes
    expected: int

    @classmethod
    def parse(cls, apdu: bytes) -> "Command":
        if len(apdu) < 4:
            raise Refusal(WRONG_LENGTH)
        header, body = apdu[:4], apdu[4:]
        data, expected = b"", 0x100
        is_extended = len(body) >= 3 and body[0] == 0
        size, most = (2, 0x10000) if is_extended else (1, 0x100)
        if is_extended:
            body = body[1:]
        if len(body) > size:
            end = size + int.from_bytes(body[:size], "big")
            if len(body) < end:
                raise Refusal(WRONG_LENGTH)
            data, body = body[size:end], body[end:]
        if body:
            # 0 means the maximum length.
            expected = int.from_bytes(body, "big") or most
        return cls(*header, data, expected)


# The persistent state of the card.


@dataclass
class Secret:
    """A PIN or PUK."""

    value: str
    factory_value: str
    tries_left: int = TRIES

    @property
    def status(self) -> int:
        return WRONG_TRIES_LEFT | self.tries_left if self.tries_left else BLOCKED

    def change(self, value: str) -> None:
        self.value = value
        self.tries_left = TRIES


@dataclass
class StoredKey:
    algorithm: int
    pin_policy: int
    touch_policy: int
    pkcs8: str

    @property
    def private_key(self) -> PrivateKey:
        return serialization.load_der_private_key(bytes.fromhex(self.pkcs8), None)


def random_serial() -> int:
    return int.from_bytes(os.urandom(3), "big")


@dataclass
class State:
    """All bytes are in hexadecimal, including the slots of keys and the tags of objects."""

    serial: int = field(default_factory=random_serial)
    pin: Secret = field(default_factory=lambda: Secret(FACTORY_PIN, FACTORY_PIN))
    puk: Secret = field(default_factory=lambda: Secret(FACTORY_PUK, FACTORY_PUK))
    management_key: str = FACTORY_MANAGEMENT_KEY
    keys: dict[str, StoredKey] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path) -> "State":
        if not file.exists():
            return cls()
        stored = json.loads(file.read_text())
        stored["pin"] = Secret(**stored["pin"])
        stored["puk"] = Secret(**stored["puk"])
        stored["keys"] = {slot: StoredKey(**key) for slot, key in stored["keys"].items()}
        return cls(**stored)

    def save(self, file: Path) -> None:
        new = file.with_name(file.name + ".new")
        new.write_text(json.dumps(asdict(self), indent=1))
        os.replace(new, file)


@dataclass
class Session:
    """State that is lost when the card loses power or the application is selected again."""

    is_selected: bool = False
    pin_verified: bool = False
    may_manage: bool = False
    # Values that the host must decrypt or encrypt.
    witness: bytes | None = None
    challenge: bytes | None = None


class PIVCard:
    # It contains "YubiKey", by which OpenSC and other programs identify the card.
    ATR = bytes.fromhex("3bfd1300008131fe158073c021c057597562694b657940")

    def __init__(self, state_file: Path) -> None:
        self._file = state_file
        self._state = State.load(state_file)
        self._save()
        self._handlers: dict[int, Callable[[Command], bytes]] = {
            SELECT: self._select,
            VERIFY: self._verify,
            CHANGE_REFERENCE_DATA: self._change_reference_data,
            RESET_RETRY_COUNTER: self._reset_retry_counter,
            GENERATE_KEY_PAIR: self._generate_key_pair,
            GENERAL_AUTHENTICATE: self._general_authenticate,
            GET_DATA: self._get_data,
            PUT_DATA: self._put_data,
            GET_METADATA: self._get_metadata,
            GET_SERIAL: lambda command: self._state.serial.to_bytes(4, "big"),
            GET_VERSION: lambda command: VERSION,
            SET_MANAGEMENT_KEY: self._set_management_key,
        }
        self.reset()

    def reset(self) -> None:
        self._session = Session()
        self._chained_data = b""
        self._unread = b""

    def answer(self, apdu: bytes) -> bytes:
        """Answers every command with data and a status word."""
        try:
            data, status = self._exchange(Command.parse(apdu))
        except Refusal as refusal:
            data, status = b"", refusal.status
        except Exception:
            # A bug in this program; this is the only record of it.
            traceback.print_exc()
            data, status = b"", INTERNAL_ERROR
        return data + status.to_bytes(2, "big")

    # Long data in both directions.

    def _exchange(self, command: Command) -> tuple[bytes, int]:
        if command.instruction == GET_RESPONSE:
            return self._next_part(command.expected)
        if command.class_byte & CHAINING:
            self._chained_data += command.data
            return b"", OK
        data, self._chained_data = self._chained_data + command.data, b""
        self._unread = b""
        handler = self._handlers.get(command.instruction)
        needs_selection = command.instruction not in (SELECT, GET_SERIAL)
        if handler is None or (needs_selection and not self._session.is_selected):
            raise Refusal(UNKNOWN_INSTRUCTION)
        self._unread = handler(replace(command, data=data))
        return self._next_part(command.expected)

    def _next_part(self, length: int) -> tuple[bytes, int]:
        part, self._unread = self._unread[:length], self._unread[length:]
        if not self._unread:
            return part, OK
        # The second byte is the number of remaining bytes; 0 means 256 or more.
        left = len(self._unread)
        return part, MORE_DATA | (left if left < 0x100 else 0)

    def _save(self) -> None:
        self._state.save(self._file)

    # The application.

    def _select(self, command: Command) -> bytes:
        is_prefix = APPLICATION.startswith(command.data) and len(command.data) >= SHORTEST_APPLICATION_PREFIX
        if command.p1 != 4 or not is_prefix:
            raise Refusal(NOT_FOUND)
        self._session = Session(is_selected=True)
        authority = tlv(0x79, tlv(0x4F, APPLICATION[:SHORTEST_APPLICATION_PREFIX]))
        return tlv(0x61, tlv(0x4F, APPLICATION[SHORTEST_APPLICATION_PREFIX:]) + authority)

    # PIN and PUK.

    def _verify(self, command: Command) -> bytes:
        pin = self._state.pin
        if command.p2 != PIN_REFERENCE:
            raise Refusal(NO_SUCH_REFERENCE)
        if command.p1 == 0xFF and not command.data:
            self._session.pin_verified = False
        elif not command.data:
            if not self._session.pin_verified:
                raise Refusal(pin.status)
        else:
            self._session.pin_verified = False
            self._check(pin, command.data)
            self._session.pin_verified = True
        return b""

    def _check(self, secret: Secret, padded: bytes) -> None:
        """Counts a wrong attempt; a correct one resets the counter."""
        if not secret.tries_left:
            raise Refusal(BLOCKED)
        is_right = unpadded(padded) == secret.value
        tries_left = TRIES if is_right else secret.tries_left - 1
        if tries_left != secret.tries_left:
            secret.tries_left = tries_left
            self._save()
        if not is_right:
            raise Refusal(secret.status)

    def _change_reference_data(self, command: Command) -> bytes:
        secret = {PIN_REFERENCE: self._state.pin, PUK_REFERENCE: self._state.puk}.get(command.p2)
        if secret is None:
            raise Refusal(NO_SUCH_REFERENCE)
        old, new = old_and_new(command.data)
        self._check(secret, old)
        secret.change(unpadded(new))
        self._save()
        return b""

    def _reset_retry_counter(self, command: Command) -> bytes:
        if command.p2 != PIN_REFERENCE:
            raise Refusal(NO_SUCH_REFERENCE)
        puk, new_pin = old_and_new(command.data)
        self._check(self._state.puk, puk)
        self._state.pin.change(unpadded(new_pin))
        self._save()
        return b""

    # The management key.

    def _require_management(self) -> None:
        if not self._session.may_manage:
            raise Refusal(NOT_ALLOWED)

    def _set_management_key(self, command: Command) -> bytes:
        self._require_management()
        algorithm, reference, length = command.data[:3].ljust(3, b"\0")
        key = command.data[3:]
        if algorithm not in TRIPLE_DES_ALGORITHMS or reference != MANAGEMENT_KEY_REFERENCE:
            raise Refusal(WRONG_DATA)
        if not len(key) == length == TRIPLE_DES_KEY_LENGTH:
            raise Refusal(WRONG_LENGTH)
        self._state.management_key = key.hex()
        self._save()
        return b""

    def _encrypt(self, block: bytes) -> bytes:
        key = TripleDES(bytes.fromhex(self._state.management_key))
        encryptor = Cipher(key, modes.ECB()).encryptor()
        return encryptor.update(block) + encryptor.finalize()

    def _authenticate_management(self, algorithm: int, fields: dict[int, bytes]) -> bytes:
        """Authenticates one side to the other, in a request and a response.

        Tag 80 is a witness, which the host decrypts; 81 is a challenge, which is encrypted; 82 is the
        encrypted challenge. An empty value requests one.
        """
        if algorithm not in TRIPLE_DES_ALGORITHMS:
            raise Refusal(WRONG_DATA)
        session = self._session
        witness, challenge = session.witness, session.challenge
        # Each can be used only once.
        session.witness = session.challenge = None
        match fields:
            case {0x80: b""}:
                session.witness = os.urandom(8)
                return tlv(0x7C, tlv(0x80, self._encrypt(session.witness)))
            case {0x81: b""}:
                session.challenge = os.urandom(8)
                return tlv(0x7C, tlv(0x81, session.challenge))
            case {0x80: decrypted, 0x81: others_challenge}:
                if witness is None or decrypted != witness:
                    raise Refusal(NOT_ALLOWED)
                if len(others_challenge) != 8:
                    raise Refusal(WRONG_LENGTH)
                session.may_manage = True
                return tlv(0x7C, tlv(0x82, self._encrypt(others_challenge)))
            case {0x82: encrypted}:
                if challenge is None or encrypted != self._encrypt(challenge):
                    raise Refusal(NOT_ALLOWED)
                session.may_manage = True
                return b""
        raise Refusal(WRONG_DATA)

    # Data objects.

    def _get_data(self, command: Command) -> bytes:
        tag = required(parse_tlv(command.data), 0x5C).hex()
        if tag == DISCOVERY_OBJECT:
            # The card's own PIN is the only one.
            return tlv(0x7E, tlv(0x4F, APPLICATION) + tlv(0x5F2F, b"\x40\x00"))
        if tag not in self._state.objects:
            raise Refusal(NOT_FOUND)
        return tlv(0x53, bytes.fromhex(self._state.objects[tag]))

    def _put_data(self, command: Command) -> bytes:
        self._require_management()
        fields = parse_tlv(command.data)
        tag = required(fields, 0x5C).hex()
        value = fields.get(0x53, b"")
        if value:
            self._state.objects[tag] = value.hex()
        else:
            # An empty object means removal.
            self._state.objects.pop(tag, None)
        self._save()
        return b""

    # Keys.

    def _stored_key(self, slot: int) -> StoredKey:
        key = self._state.keys.get(f"{slot:02x}")
        if key is None:
            raise Refusal(NO_SUCH_REFERENCE)
        return key

    def _generate_key_pair(self, command: Command) -> bytes:
        self._require_management()
        slot = command.p2
        if slot not in SLOTS:
            raise Refusal(WRONG_PARAMETERS)
        wanted = parse_tlv(required(parse_tlv(command.data), 0xAC))
        algorithm = one_byte(required(wanted, 0x80))
        private_key = generate(algorithm)
        self._state.keys[f"{slot:02x}"] = StoredKey(
            algorithm=algorithm,
            pin_policy=one_byte(wanted.get(0xAA, b"\0")) or default_pin_policy(slot),
            touch_policy=one_byte(wanted.get(0xAB, b"\0")) or TOUCH_NEVER,
            pkcs8=private_key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).hex(),
        )
        self._save()
        return tlv(0x7F49, encoded_public_key(private_key))

    def _get_metadata(self, command: Command) -> bytes:
        state = self._state
        match command.p2:
            case 0x80:
                return secret_metadata(state.pin)
            case 0x81:
                return secret_metadata(state.puk)
            case 0x9B:
                policy = bytes([DEFAULT_POLICY, TOUCH_NEVER])
                is_factory = state.management_key == FACTORY_MANAGEMENT_KEY
                return tlv(1, b"\x03") + tlv(2, policy) + tlv(5, bytes([is_factory]))
        key = self._stored_key(command.p2)
        return (
            tlv(1, bytes([key.algorithm]))
            + tlv(2, bytes([key.pin_policy, key.touch_policy]))
            + tlv(3, bytes([MADE_HERE]))
            + tlv(4, encoded_public_key(key.private_key))
        )

    def _general_authenticate(self, command: Command) -> bytes:
        algorithm, slot = command.p1, command.p2
        fields = parse_tlv(required(parse_tlv(command.data), 0x7C))
        if slot == MANAGEMENT_KEY_REFERENCE:
            return self._authenticate_management(algorithm, fields)
        key = self._stored_key(slot)
        if key.algorithm != algorithm:
            raise Refusal(WRONG_DATA)
        if key.pin_policy != PIN_NEVER and not self._session.pin_verified:
            raise Refusal(NOT_ALLOWED)
        if key.pin_policy == PIN_ALWAYS:
            self._session.pin_verified = False
        private_key = key.private_key
        if 0x81 in fields:
            return tlv(0x7C, tlv(0x82, sign(private_key, fields[0x81])))
        if 0x85 in fields and isinstance(private_key, ec.EllipticCurvePrivateKey):
            return tlv(0x7C, tlv(0x82, agree(private_key, fields[0x85])))
        raise Refusal(WRONG_DATA)


def unpadded(padded: bytes) -> str:
    return padded.rstrip(b"\xff").decode("latin-1")


def old_and_new(data: bytes) -> tuple[bytes, bytes]:
    if len(data) != 2 * PIN_LENGTH:
        raise Refusal(WRONG_LENGTH)
    return data[:PIN_LENGTH], data[PIN_LENGTH:]


def one_byte(value: bytes) -> int:
    if len(value) != 1:
        raise Refusal(WRONG_DATA)
    return value[0]


def secret_metadata(secret: Secret) -> bytes:
    is_factory = secret.value == secret.factory_value
    return tlv(1, b"\xff") + tlv(5, bytes([is_factory])) + tlv(6, bytes([TRIES, secret.tries_left]))


def default_pin_policy(slot: int) -> int:
    return {SIGNATURE_SLOT: PIN_ALWAYS, CARD_AUTHENTICATION_SLOT: PIN_NEVER}.get(slot, PIN_ONCE)


def generate(algorithm: int) -> PrivateKey:
    if algorithm == RSA_2048:
        return rsa.generate_private_key(65537, 2048)
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm])
    raise Refusal(WRONG_DATA)


def encoded_public_key(private_key: PrivateKey) -> bytes:
    public_key = private_key.public_key()
    if isinstance(public_key, rsa.RSAPublicKey):
        numbers = public_key.public_numbers()
        return tlv(0x81, to_bytes(numbers.n)) + tlv(0x82, to_bytes(numbers.e))
    point = public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return tlv(0x86, point)


def sign(private_key: PrivateKey, message: bytes) -> bytes:
    """Signs without padding or hashing, which the host does. For RSA this also decrypts."""
    if isinstance(private_key, rsa.RSAPrivateKey):
        numbers = private_key.private_numbers()
        modulus = numbers.public_numbers.n
        number = int.from_bytes(message, "big")
        if len(message) != private_key.key_size // 8:
            raise Refusal(WRONG_LENGTH)
        if number >= modulus:
            raise Refusal(WRONG_DATA)
        return pow(number, numbers.d, modulus).to_bytes(len(message), "big")
    # For an existing digest, only the length of the hash matters.
    for algorithm in (hashes.SHA1(), hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        if algorithm.digest_size == len(message):
            return private_key.sign(message, ec.ECDSA(Prehashed(algorithm)))
    raise Refusal(WRONG_LENGTH)


def agree(private_key: ec.EllipticCurvePrivateKey, point: bytes) -> bytes:
    try:
        other = ec.EllipticCurvePublicKey.from_encoded_point(private_key.curve, point)
    except ValueError as error:
        raise Refusal(WRONG_DATA) from error
    return private_key.exchange(ec.ECDH(), other)
