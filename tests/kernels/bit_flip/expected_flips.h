// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/bit_flip/bit_flip.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tests {

/// An operand as the reference flips it, and which elements it zeroes.
struct Expected {
  std::vector<std::uint16_t> values;
  std::vector<bool> zeroed;

  Expected(const void* clean, kernels::ElementType type, std::size_t count,
           const kernels::BitFlip& how)
      : values(count), zeroed(count) {
    const auto elements = static_cast<std::int64_t>(count);
    kernels::reference::flip(clean, type, elements, how, values.data(), how.storage, nullptr);
    std::vector<float> kept(count, 1);
    kernels::reference::stop_gradient(clean, type, elements, how, kept.data(),
                                      kernels::ElementType::fp32);
    for (std::size_t i = 0; i < count; ++i) zeroed[i] = kept[i] == 0;
  }
};

}  // namespace tests
