# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the TorchScript files that tests/engine/scripted uses; README.md in tests/golden names the command."""
import json
import pathlib
from typing import Optional

import torch
from torch import Tensor
from torch.nn import functional

FOLDER = pathlib.Path(__file__).parent


def save(module: torch.nn.Module, name: str, about: Optional[dict] = None) -> None:
    extra = {} if about is None else {"paradigm.json": json.dumps(about, indent=1)}
    torch.jit.save(torch.jit.script(module), str(FOLDER / f"{name}.pt"), _extra_files=extra)


class Plainspoken(torch.nn.Module):
    """Every type of parameter, two noises, no JSON."""

    levels: int
    gain: float
    is_noisy: bool
    mode: str
    cut: Optional[float]
    limit: Optional[int]
    _hidden: int

    def __init__(self):
        super().__init__()
        self.levels = 3000000000
        self.gain = 0.125
        self.is_noisy = True
        self.mode = "soft"
        self.cut = None
        self.limit = -7
        self._hidden = 1
        self.table = [1.0, 2.0]
        self.register_buffer("fixed", torch.ones(3))

    def forward(self, x: Tensor, weight: Tensor, bias: Optional[Tensor], read: Tensor, write: Tensor) -> Tensor:
        y = functional.linear(x, weight, bias)
        if self.is_noisy:
            y = y + self.gain * (read + write)
        return y


class Noise(torch.nn.Module):
    """Hands the noise out: Linear y = 0·Wx + what was asked for, attention likewise."""

    which: str

    def __init__(self):
        super().__init__()
        self.which = "output"

    def forward(self, x: Tensor, weight: Tensor, bias: Optional[Tensor], output: Tensor, input: Tensor,
                cells: Tensor, chip: Tensor) -> Tensor:
        y = functional.linear(x, weight) * 0
        if self.which == "output":
            return y + output
        if self.which == "input":
            return y + input.sum(-1, keepdim=True)
        return y + (cells if self.which == "cells" else chip)[:, 0]

    @torch.jit.export
    def attention(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scores: Tensor) -> Tensor:
        s = (q @ k.transpose(-1, -2)) * q.size(-1) ** -0.5
        s = s + 0.1 * scores
        return s.masked_fill(~mask, float("-inf")).softmax(-1) @ v


class Tracker(torch.nn.Module):
    """A state that training moves, exchanged and changed in place."""

    def __init__(self):
        super().__init__()
        self.register_buffer("x_max", torch.tensor(float("inf")))
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("fixed", torch.ones(2))

    @torch.jit.export
    def observe(self, x: Tensor, weight: Tensor) -> None:
        seen = x.abs().max()
        self.x_max = torch.where(torch.isinf(self.x_max), seen, 0.5 * self.x_max + 0.5 * seen)
        self.calls.add_(1)

    def forward(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        return functional.linear(torch.tanh(x / self.x_max), weight, bias)


class Faulty(torch.nn.Module):
    """Does what a module may not do; which one is a parameter."""

    fault: str

    def __init__(self):
        super().__init__()
        self.fault = "none"
        self.register_buffer("count", torch.zeros(1))

    @torch.jit.export
    def observe(self, x: Tensor, weight: Tensor) -> None:
        if self.fault == "observe_shape":
            self.count = torch.zeros(2)

    def forward(self, x: Tensor, weight: Tensor, bias: Optional[Tensor], noise: Tensor) -> Tensor:
        if self.fault == "raise":
            raise ValueError("the laser is off")
        if self.fault == "operator":
            return torch.mm(weight, weight)
        if self.fault == "in_place":
            x.mul_(2)
        if self.fault == "buffer":
            self.count.add_(1)
        y = functional.linear(x, weight, bias)
        if self.fault == "shape":
            return y[..., :1]
        if self.fault == "dtype":
            return y.to(torch.float64)
        if self.fault == "nan":
            return y / 0 * 0
        if self.fault == "nan_gradient":
            return y + torch.sqrt((weight * 0).sum())
        if self.fault == "no_gradient":
            return y.detach()
        if self.fault == "no_weight_gradient":
            return functional.linear(x, weight.detach(), bias)
        if self.fault == "random":
            return y + torch.rand_like(y)
        if self.fault == "batch":
            return y / x.abs().max()
        return y


class NoMethod(torch.nn.Module):
    @torch.jit.export
    def apply_device(self, x: Tensor) -> Tensor:
        return x


class WrongSignature(torch.nn.Module):
    def forward(self, x: Tensor, weight: Tensor, bias: Tensor, levels: int) -> Tensor:
        return x @ weight.t() + bias + levels


class Learned(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        return functional.linear(x, weight, bias) * self.scale


class IntegerState(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))

    @torch.jit.export
    def observe(self, x: Tensor, weight: Tensor) -> None:
        self.count.add_(1)

    def forward(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        return functional.linear(x, weight, bias)


save(Plainspoken(), "plainspoken")
save(Noise(), "noise", {
    "parameters": {"which": {"choices": ["output", "input", "cells", "chip"], "label": "Which"}},
    "noise": {"output": {"kind": "normal"}, "input": {"kind": "uniform", "like": "input"},
              "cells": {"like": "weight"}, "chip": {"like": "weight", "per": "run"}, "scores": {"like": "scores"}}})
save(Tracker(), "tracker", {"title": "Tracker", "state": ["x_max", "calls"]})
save(Faulty(), "faulty")
save(NoMethod(), "no_method")
save(WrongSignature(), "wrong_signature")
save(Learned(), "learned")
save(IntegerState(), "integer_state")
save(Plainspoken(), "bad_json", {
    "titel": "typing error", "targets": ["linear", "convolution"], "state": ["fixed", "nothing"],
    "parameters": {"gain": {"minimum": 1, "maximum": 2, "colour": "red"}, "mode": {"minimum": 0},
                   "is_noisy": {"choices": ["a"]}, "voltage": {"help": "there is none"}, "levels": 5},
    "noise": {"read": {"kind": "pink"}, "write": {"like": "scores"}, "other": {}}})
torch.save({"weight": torch.ones(2)}, FOLDER / "state_dict.pt")
