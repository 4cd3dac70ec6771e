# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linear on an optical crossbar that balanced photodetectors read out. See README.md beside it.

`python photodetector.py` writes photodetector.pt (PyTorch 2.11)."""
import json
import pathlib
from typing import Optional

import torch
from torch import Tensor
from torch.nn import functional


class Photodetector(torch.nn.Module):
    photons: float
    thermal: float
    smooth: float

    def __init__(self):
        super().__init__()
        self.photons = 1000.0
        self.thermal = 0.0
        self.smooth = 0.9
        self.register_buffer("x_max", torch.tensor(float("inf")))  # infinity: not observed yet

    @torch.jit.export
    def observe(self, x: Tensor, weight: Tensor) -> None:
        seen = x.abs().max()
        moved = self.smooth * self.x_max + (1 - self.smooth) * seen
        self.x_max = torch.where(torch.isinf(self.x_max), seen, moved)

    def forward(self, x: Tensor, weight: Tensor, bias: Optional[Tensor], noise: Tensor) -> Tensor:
        x = torch.minimum(torch.maximum(x, -self.x_max), self.x_max)  # the modulators saturate
        light = functional.linear(x.detach().abs(), weight.detach().abs())
        one = self.x_max * weight.detach().abs().max()  # the product of two full-scale values
        sigma = torch.sqrt(light * one / self.photons + (self.thermal * one) ** 2)
        return functional.linear(x, weight, bias) + sigma * noise


ABOUT = {
    "title": "Photodetector with shot noise",
    "summary": "An optical product read out by balanced photodetectors: noise grows with the light",
    "parameters": {
        "photons": {"label": "Photons", "exclusiveMinimum": 0, "log_scale": True,
                    "help": "Detected for the product of two full-scale values, in one read-out"},
        "thermal": {"label": "Thermal noise", "minimum": 0, "maximum": 1,
                    "help": "Standard deviation, as a fraction of that product"},
        "smooth": {"label": "Weight of the old range", "minimum": 0, "exclusiveMaximum": 1,
                   "help": "Of the moving average that tracks the modulators' full scale"},
    },
    "noise": {"noise": {"kind": "normal", "like": "output"}},
}

if __name__ == "__main__":
    torch.jit.save(torch.jit.script(Photodetector()), pathlib.Path(__file__).with_suffix(".pt").name,
                   _extra_files={"paradigm.json": json.dumps(ABOUT, indent=1)})
