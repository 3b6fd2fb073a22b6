"""MATLAB files of version 5 with a cell array of names.

A file is a header of 128 bytes, whose last two tell the order of bytes, then elements: a type and a length of 32 bits
each, then the content, padded to a multiple of eight bytes. Up to four bytes of content may stand in the place of the
length, which then is the upper half of the type's word. An element may be the compressed form of another. A matrix is
an element of elements: flags, of which the lowest byte is its class, dimensions, name, and what it holds column by
column: for a cell array matrices, for a row of characters one element. Source: MathWorks, "MAT-file format".

SciPy reads these files too, but a damaged byte in them can end its process; here it is an error like another.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import TYPE_CHECKING

from shared.data.lazy import np
from shared.data.reading.archives import inflated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Element = tuple[int, bytes]

HEADER_BYTES = 128
VERSION = 0x0100
ORDERS = {b"IM": "<", b"MI": ">"}
INT8, UINT8, UINT16, INT32, UINT32, MATRIX, COMPRESSED, UTF8, UTF16 = 1, 2, 4, 5, 6, 14, 15, 16, 17
CELL_CLASS, CHARACTER_CLASS = 1, 4
SMALL_BYTES = 4


def read_names(content: bytes, variable: str) -> NDArray[np.object_]:
    """Return the cell array `variable` of the file `content`, each of whose cells is a name.

    Raises ValueError where there is no such variable, it holds something else, or the file is damaged.
    """
    order = ORDERS.get(content[HEADER_BYTES - 2 : HEADER_BYTES])
    if order is None or struct.unpack_from(f"{order}H", content, HEADER_BYTES - 4) != (VERSION,):
        raise ValueError("its header is not that of version 5")
    try:
        for kind, data in _elements(content[HEADER_BYTES:], order):
            (inner,) = _elements(inflated(data), order) if kind == COMPRESSED else [(kind, data)]
            array_class, shape, name, cells = _matrix(inner, order)
            if name != variable:
                continue
            if array_class != CELL_CLASS or len(cells) != math.prod(shape):
                raise ValueError(f"{variable} is no cell array")
            names = np.array([_text(cell, order) for cell in cells], dtype=object)
            return names.reshape(shape, order="F")
    except (struct.error, zlib.error) as error:
        raise ValueError(f"it is damaged ({error})") from None
    raise ValueError(f"it has no variable {variable}")


def _elements(data: bytes, order: str) -> Iterator[Element]:
    place = 0
    while place < len(data):
        (kind,) = struct.unpack_from(f"{order}I", data, place)
        size, kind = kind >> 16, kind & 0xFFFF
        start, following = place + 4, place + 8
        if size == 0:
            (size,) = struct.unpack_from(f"{order}I", data, place + 4)
            start, following = place + 8, place + 8 + size + (0 if kind == COMPRESSED else -size % 8)
        elif size > SMALL_BYTES:
            raise ValueError("it is damaged (a small element is too large)")
        if start + size > len(data):
            raise ValueError("it is truncated")
        yield kind, data[start : start + size]
        place = following


def _matrix(element: Element, order: str) -> tuple[int, tuple[int, ...], str, list[Element]]:
    """Return class, dimensions, name and content of a matrix."""
    kind, data = element
    flags, dimensions, name, *content = _elements(data, order)
    if (kind, flags[0], dimensions[0], name[0]) != (MATRIX, UINT32, INT32, INT8):
        raise ValueError("it is damaged (a matrix is not one)")
    (first,) = struct.unpack_from(f"{order}I", flags[1])
    shape = struct.unpack(f"{order}{len(dimensions[1]) // 4}i", dimensions[1])
    if min(shape, default=-1) < 0:
        raise ValueError("it is damaged (a matrix has negative dimensions)")
    return first & 0xFF, shape, name[1].decode("ascii"), content


def _text(cell: Element, order: str) -> str:
    array_class, _, _, content = _matrix(cell, order)
    if array_class != CHARACTER_CLASS or len(content) != 1:
        raise ValueError("a cell holds no text")
    ((kind, data),) = content
    if kind in {UINT16, UTF16}:
        return data.decode("utf-16-le" if order == "<" else "utf-16-be")
    if kind in {INT8, UINT8, UTF8}:
        return data.decode("utf-8")
    raise ValueError("a cell holds no text")
