// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <optional>

namespace engine {

/// The highest use of memory since it was made, above what was in use then: the process's resident
/// memory, or what LibTorch's allocator has handed out on a CUDA device. One at a time on a device.
class PeakMemory {
 public:
  explicit PeakMemory(c10::Device device);
  /// Bytes; nothing when this system does not let the peak be reset.
  std::optional<std::int64_t> above_start() const;

 private:
  c10::Device device_;
  std::int64_t start_ = 0;
  bool is_reset_ = false;
};

}  // namespace engine
