// SPDX-License-Identifier: GPL-3.0-or-later
// Parts of the flag tables that several commands share.
#pragma once

#include "engine/config/param_schema.h"

#include <limits>
#include <string>
#include <vector>

namespace engine {

using ParamSpecs = std::vector<ParamSpec>;

/// Of a range that is open above.
inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();
/// Highest batch size, accumulation and number of calibration batches; with kLongestBlock they keep
/// every product of them within 64 bits.
inline constexpr double kMostAtOnce = 1 << 20;
inline constexpr double kLongestBlock = 1 << 22;

/// Dataset, files, block size, sample limits.
ParamSpecs data_flags();
/// --tokenizer_name.
ParamSpec tokenizer_flag();
/// --rope.
ParamSpec rope_flag();
/// --transform_config.
ParamSpec transform_flag();
/// --device and --use_cpu.
ParamSpecs device_flags();
/// The same, and how training uses the device.
ParamSpecs training_device_flags();
/// Flags of run_clm.py and TrainingArguments that are known and not supported, each with its
/// reason.
ParamSpecs unsupported_train_flags();

void append(ParamSpecs& flags, ParamSpecs more);
/// Sets the group of all.
ParamSpecs in_group(const std::string& group, ParamSpecs flags);

}  // namespace engine
