// SPDX-License-Identifier: GPL-3.0-or-later
// The safetensors files of a probe: its inputs, and y.
#pragma once

#include "engine/config/probe_config.h"

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace engine {

/// The input tensors, as they are in the file: fp32, bf16 or fp16, on one device.
struct ProbeInputs {
  std::vector<std::pair<std::string, at::Tensor>> tensors;

  /// Undefined when it is not there.
  at::Tensor find(const std::string& name) const;
};

/// The tensors of --input that the operation takes, on `device`. Throws Error for one that is
/// missing or of another dtype.
ProbeInputs read_probe_inputs(const ProbeConfig& config, c10::Device device);

/// Writes y to --output, with what it was computed from as metadata; whole or not at all.
void write_probe_output(const ProbeConfig& config, const ParamValues& values, const at::Tensor& y);

/// "F32", "BF16", "F16"; "F64" for any other.
std::string safetensors_dtype(c10::ScalarType type);

}  // namespace engine
