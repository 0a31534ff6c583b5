#!/usr/bin/python3
"""Makes objects on a token with any attributes, and prints all objects on it.

usage: objects.py MODULE LABEL < requests.json

The PIN is in the environment variable PIN. The requests are a list of

    {"pair": "rsa" or "ec", "public": ATTRIBUTES, "private": ATTRIBUTES}
    {"object": ATTRIBUTES}
    {"remove": VALUE}

where ATTRIBUTES are numbers of attributes with their values, both in hexadecimal. VALUE is
the CKA_VALUE, in hexadecimal, of the objects that are removed. The output is a
list of all objects with CKA_CLASS, CKA_ID, CKA_LABEL and CKA_VALUE, if they have them.
"""

import ctypes
import json
import os
import sys

module = ctypes.CDLL(sys.argv[1])
ulong = ctypes.c_ulong


class Attribute(ctypes.Structure):
    _fields_ = [("type", ulong), ("value", ctypes.c_char_p), ("length", ulong)]


class Mechanism(ctypes.Structure):
    _fields_ = [("type", ulong), ("parameter", ctypes.c_void_p), ("length", ulong)]


def call(name, *arguments):
    result = getattr(module, name)(*arguments)
    if result != 0:
        sys.exit(f"{name}: 0x{result & 0xffffffff:x}")


def number(value):
    return ulong(value).value.to_bytes(ctypes.sizeof(ulong), sys.byteorder)


def template(attributes):
    array = (Attribute * len(attributes))()
    for place, (name, value) in zip(array, attributes.items()):
        place.type, place.value, place.length = int(name, 16), value, len(value)
    return array, len(attributes)


def decoded(attributes):
    return {name: bytes.fromhex(value) for name, value in attributes.items()}


def slot_of(label):
    count = ulong()
    call("C_GetSlotList", ctypes.c_ubyte(1), None, ctypes.byref(count))
    slots = (ulong * count.value)()
    call("C_GetSlotList", ctypes.c_ubyte(1), slots, ctypes.byref(count))
    for slot in slots:
        info = ctypes.create_string_buffer(512)
        call("C_GetTokenInfo", ulong(slot), info)
        if info.raw[:32].decode("utf-8").rstrip() == label:
            return slot
    sys.exit("no such token")


def attribute(session, handle, name):
    one = (Attribute * 1)()
    one[0].type = name
    if module.C_GetAttributeValue(session, ulong(handle), one, ulong(1)) != 0:
        return None
    if one[0].length > 1 << 24:
        return None
    buffer = ctypes.create_string_buffer(one[0].length or 1)
    one[0].value = ctypes.cast(buffer, ctypes.c_char_p)
    if module.C_GetAttributeValue(session, ulong(handle), one, ulong(1)) != 0:
        return None
    return buffer.raw[: one[0].length]


def found(session):
    call("C_FindObjectsInit", session, None, ulong(0))
    handles, batch, count = [], (ulong * 64)(), ulong()
    while True:
        call("C_FindObjects", session, batch, ulong(64), ctypes.byref(count))
        if count.value == 0:
            break
        handles += batch[: count.value]
    call("C_FindObjectsFinal", session)
    return handles


call("C_Initialize", None)
session = ulong()
call("C_OpenSession", ulong(slot_of(sys.argv[2])), ulong(6), None, None, ctypes.byref(session))
pin = os.environ["PIN"].encode()
call("C_Login", session, ulong(1), pin, ulong(len(pin)))
yes = b"\x01"
for request in json.load(sys.stdin):
    handle, other = ulong(), ulong()
    if "object" in request:
        array, count = template(decoded(request["object"]))
        call("C_CreateObject", session, array, ulong(count), ctypes.byref(handle))
        continue
    if "remove" in request:
        for handle in found(session):
            if attribute(session, handle, 0x11) == bytes.fromhex(request["remove"]):
                call("C_DestroyObject", session, ulong(handle))
        continue
    if request["pair"] == "rsa":
        mechanism, kind = Mechanism(0x0, None, 0), {"121": number(2048), "122": b"\x01\x00\x01"}
    else:
        mechanism = Mechanism(0x1040, None, 0)
        kind = {"180": bytes.fromhex("06082a8648ce3d030107")}
    public = {"1": yes, **kind, **decoded(request["public"])}
    private = {"1": yes, "2": yes, "103": yes, "162": b"\x00", **decoded(request["private"])}
    (one, first), (two, second) = template(public), template(private)
    call(
        "C_GenerateKeyPair", session, ctypes.byref(mechanism), one, ulong(first), two,
        ulong(second), ctypes.byref(handle), ctypes.byref(other))
objects = []
for handle in found(session):
    values = {
        name: attribute(session, handle, kind)
        for name, kind in (("class", 0), ("id", 0x102), ("label", 3), ("value", 0x11))
    }
    values["class"] = str(int.from_bytes(values["class"], sys.byteorder)).encode()
    objects.append({name: value.hex() for name, value in values.items() if value is not None})
    objects[-1]["class"] = values["class"].decode()
json.dump(objects, sys.stdout)
call("C_Finalize", None)
