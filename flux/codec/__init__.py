"""The codec: values ↔ bytes, exactly, and views of those bytes for readers.

    encoding    value → payload            decoding    payload → value, payload → view
    scalars     small standard types       classes     authors' classes and how they are found again
    exceptions  taken apart, put together  failures    an exception that ended an attempt
    instances   dataclasses, the same      calls       arguments and their digest
    views       value → view

A value comes back equal and of the same type, or it is refused when it is encoded. No pickle, and no import by
a name out of the data. Sizes are bytes.
"""

from flux.codec.calls import call_view, decode_call, digest, encode_call
from flux.codec.classes import ClassIndex
from flux.codec.decoding import decode, plain
from flux.codec.encoding import encode, is_atomic
from flux.codec.failures import decode_error, encode_error, error_view
from flux.codec.refusals import MAX_DEPTH, MAX_PAYLOAD
from flux.codec.views import view

__all__ = [
    "MAX_DEPTH",
    "MAX_PAYLOAD",
    "ClassIndex",
    "call_view",
    "decode",
    "decode_call",
    "decode_error",
    "digest",
    "encode",
    "encode_call",
    "encode_error",
    "error_view",
    "is_atomic",
    "plain",
    "view",
]
