// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/run_config.h"

#include <cstdint>
#include <exception>
#include <optional>
#include <string>

namespace engine {

/// What a step's memory grows with, under the names that a command gives it.
struct MemorySettings {
  std::string batch_flag;
  std::int64_t batch_size = 1;
  std::string batch_remark;  ///< what else changes with it, inside the brackets; may be empty
  std::string length_flag;
  std::optional<std::int64_t> length;  ///< absent: the program chose it
  std::string activation_checkpointing;
  bool bf16 = false;
};

/// "lower --batch_size (8 now), or give --bf16, or lower --seq_len (512 now)": all that is not yet
/// as low as it goes.
std::string ways_to_fit(const MemorySettings& settings);

/// What a training that ran out of memory is told: what was asked for, what was free, and which
/// settings to lower. Empty for an exception that is about something else.
std::string out_of_memory_message(const std::exception& error, const RunConfig& config);

}  // namespace engine
