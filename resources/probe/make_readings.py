# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes inputs.safetensors and readings.npy: a matrix product, and what an imagined device returned for it.

python make_readings.py        needs numpy

The device has 64 levels where the paradigm's default is 256, a gain of 0.97, an offset of 0.05, and an amplifier behind
the converter whose noise has the standard deviation 0.02. Six repeats of 48 x 12 outputs.
"""
import json
import struct

import numpy as np

LEVELS, GAIN, OFFSET, NOISE, REPEATS, FLOOR = 64, 0.97, 0.05, 0.02, 6, 0.02004


def quantised(x, low, high, dither=0.0):
    steps = (np.clip(x, low, high) - low) / (high - low) * (LEVELS - 1)
    return np.clip(np.rint(steps + dither), 0, LEVELS - 1) / (LEVELS - 1) * (high - low) + low


def with_floor(x, low, high):
    x = np.where((x > 0) & (x < FLOOR * high), FLOOR * high, x)
    return np.where((x < 0) & (x > FLOOR * low), FLOOR * low, x)


def write_safetensors(file, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in tensors.items():
        piece = array.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)


generator = np.random.default_rng(7)
x = generator.normal(size=(48, 24)).astype("f4")
weight = (generator.normal(size=(12, 24)) / 5).astype("f4")
product = quantised(x, x.min(), x.max()) @ with_floor(quantised(weight, weight.min(), weight.max()), weight.min(),
                                                     weight.max()).T
readings = []
for _ in range(REPEATS):
    read = quantised(product, product.min(), product.max(), generator.uniform(-0.5, 0.5, product.shape))
    readings.append(GAIN * read + OFFSET + NOISE * generator.normal(size=product.shape))
write_safetensors("inputs.safetensors", {"x": x, "weight": weight})
np.save("readings.npy", np.array(readings, "f4"))
