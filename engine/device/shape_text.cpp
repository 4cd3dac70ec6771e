// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/shape_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace engine {

std::string shape_text(at::IntArrayRef shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

}  // namespace engine
