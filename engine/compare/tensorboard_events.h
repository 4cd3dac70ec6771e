// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/foreign_curves.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// Adds the scalars of one TensorBoard event file (records with masked CRC-32C around protocol
/// buffers), of either generation: simple_value, or a tensor of one number. A torn last record is
/// left out; a damaged one ends the reading, and a note says where. Throws Error when the file
/// cannot be opened or does not begin with a record.
void read_tensorboard_events(const std::filesystem::path& file, ForeignCurves& curves,
                             std::vector<std::string>& notes);

/// CRC-32C (Castagnoli), and as TensorBoard masks it.
std::uint32_t crc32c(std::string_view bytes);
std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace engine
