// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/safetensors_file.h"
#include "engine/problem.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// Longest header that the format allows, in bytes.
inline constexpr std::uint64_t kLongestSafetensorsHeader = 100'000'000;

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  ///< sorted by name
  std::map<std::string, std::string> metadata;
  std::vector<Problem> warnings;  ///< keys that the format does not know
};

/// Reads the JSON header of a safetensors file whose data section has `data_size` bytes, and checks
/// every invariant of the format: types, known dtypes, shapes and sizes in checked arithmetic,
/// ranges that tile the data section exactly. Throws Error (id "bad-safetensors") naming `file` and
/// the tensor.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_size,
                                           const std::string& file);

}  // namespace engine
