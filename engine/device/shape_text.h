// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace engine {

/// "[2, 9, 64]", for messages.
std::string shape_text(at::IntArrayRef shape);
inline std::string shape_text(const at::Tensor& tensor) { return shape_text(tensor.sizes()); }

}  // namespace engine
