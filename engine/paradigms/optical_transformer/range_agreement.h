// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/paradigms/optical_transformer/range_tracker.h"

#include <cstdint>
#include <vector>

namespace engine::optical_transformer {

/// Whether running ranges are equal that observe the same values in the same way. Once they are,
/// they stay so: they are read by the host only after one was written from outside, by a checkpoint
/// for example.
class RangeAgreement {
 public:
  bool holds(const std::vector<const RangeTracker*>& ranges);

 private:
  std::vector<std::int64_t> versions_;  // of the tensors, when they were compared
  bool agree_ = false;
};

}  // namespace engine::optical_transformer
