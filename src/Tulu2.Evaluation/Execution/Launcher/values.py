"""Values between the program's process and that of its tests: plain data only, so that a result is compared as what it is."""
import collections
import datetime
import decimal
import fractions
import json
import os

LONGEST = 16 << 20   # Bytes of a message.
MOST_ITEMS = 1 << 20  # Of an iterator that a program returns.
SMALL = 1 << 53


class Gone(Exception):
    """The other process has ended."""


class TooLong(Exception):
    """A message is longer than LONGEST."""


class Opaque:
    """Stands for a result that is no plain data: it equals nothing but itself."""

    def __init__(self, kind):
        self.kind = kind

    def __repr__(self):
        return "<%s>" % self.kind


class OpaqueIterator(Opaque):
    """An iterator or view: equal to nothing but itself, with the items that it had."""

    def __init__(self, kind, items):
        Opaque.__init__(self, kind)
        self.items = iter(items)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.items)


def pack(value):
    """To what JSON can hold. Kinds derived from plain ones become plain: their own idea of equality stays behind."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        plain = int.__index__(value)
        return plain if -SMALL < plain < SMALL else {"integer": hex(plain)}
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, list):
        return [pack(item) for item in list.__iter__(value)]
    for kind, name in ((tuple, "tuple"), (set, "set"), (frozenset, "frozenset"), (collections.deque, "deque")):
        if isinstance(value, kind):
            return {name: [pack(item) for item in kind.__iter__(value)]}
    if isinstance(value, dict):
        return {"dict": [[pack(key), pack(item)] for key, item in dict.items(value)]}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, (bytes, bytearray)):
        return {type(value).__name__ if type(value) in (bytes, bytearray) else "bytes": bytes(value).hex()}
    if isinstance(value, range):
        return {"range": [pack(value.start), pack(value.stop), pack(value.step)]}
    if isinstance(value, decimal.Decimal):
        return {"decimal": decimal.Decimal.__str__(value)}
    if isinstance(value, fractions.Fraction):
        return {"fraction": [pack(value.numerator), pack(value.denominator)]}
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return {"date": [value.year, value.month, value.day]}
    if isinstance(value, type({}.keys())):
        return {"keys": [pack(item) for item in value]}
    if isinstance(value, type) or callable(value) or not hasattr(value, "__iter__"):
        return {"opaque": type(value).__name__}
    items = []
    for item in value:
        items.append(pack(item))
        if len(items) >= MOST_ITEMS:
            break
    return {"iterator": [type(value).__name__, items]}


UNPACKED = {
    "integer": lambda value: int(value, 16),
    "tuple": lambda value: tuple(unpack(item) for item in value),
    "set": lambda value: set(unpack(item) for item in value),
    "frozenset": lambda value: frozenset(unpack(item) for item in value),
    "deque": lambda value: collections.deque(unpack(item) for item in value),
    "dict": lambda value: dict((unpack(key), unpack(item)) for key, item in value),
    "complex": lambda value: complex(*value),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "range": lambda value: range(*(unpack(item) for item in value)),
    "decimal": decimal.Decimal,
    "fraction": lambda value: fractions.Fraction(*(unpack(item) for item in value)),
    "date": lambda value: datetime.date(*value),
    "keys": lambda value: dict.fromkeys(unpack(item) for item in value).keys(),
    "opaque": lambda value: Opaque(value),
    "iterator": lambda value: OpaqueIterator(value[0], [unpack(item) for item in value[1]]),
}


def unpack(value):
    if isinstance(value, list):
        return [unpack(item) for item in value]
    if isinstance(value, dict):
        ((kind, content),) = value.items()
        return UNPACKED[kind](content)
    return value


def refill(old, new):
    """Makes an argument what the program made of it, where it is a container that may change."""
    if type(old) is not type(new):
        return
    if isinstance(old, list):
        old[:] = new
    elif isinstance(old, dict):
        old.clear()
        old.update(new)
    elif isinstance(old, set):
        old.clear()
        old.update(new)


def read_exactly(descriptor, count):
    parts = []
    while count > 0:
        part = os.read(descriptor, min(count, 1 << 20))
        if not part:
            raise Gone()
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def write_all(descriptor, data):
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view):]
        except BrokenPipeError:
            raise Gone()


def send(descriptor, message):
    data = json.dumps(message).encode("ascii")
    if len(data) > LONGEST:
        raise TooLong()
    write_all(descriptor, len(data).to_bytes(8, "little") + data)


def receive(descriptor):
    length = int.from_bytes(read_exactly(descriptor, 8), "little")
    if length > LONGEST:
        raise TooLong()
    return json.loads(read_exactly(descriptor, length))
