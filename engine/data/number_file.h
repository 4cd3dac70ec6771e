// SPDX-License-Identifier: GPL-3.0-or-later
// Arrays of numbers as laboratories store them: safetensors, NumPy's .npy, and text in columns.
#pragma once

#include "engine/checkpoint/safetensors_file.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace engine {

struct NumberArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;  ///< row-major
};

/// By the file's ending: .safetensors (`tensor`, or the only one there), .npy, .csv, .tsv, .txt
/// (numbers apart by commas, semicolons or blanks; lines are rows of one length; a first line of
/// names and lines from # on are skipped). Throws Error naming the file and the place.
NumberArray read_number_file(const std::filesystem::path& file, const std::string& tensor);

/// The tensor's numbers, exactly; throws Error naming `file` for a dtype that is none (BOOL).
std::vector<double> numbers_of(const TensorEntry& entry, std::span<const std::byte> bytes,
                               const std::filesystem::path& file);

}  // namespace engine
