// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/range_agreement.h"

#include <ATen/ops/equal.h>

#include <algorithm>

namespace engine::optical_transformer {

bool RangeAgreement::holds(const std::vector<const RangeTracker*>& ranges) {
  std::vector<std::int64_t> versions;
  for (const RangeTracker* range : ranges) versions.push_back(range->tensor()._version());
  if (versions == versions_) return agree_;
  versions_ = versions;
  return agree_ = std::all_of(ranges.begin(), ranges.end(), [&](const RangeTracker* range) {
           return at::equal(range->tensor(), ranges.front()->tensor());
         });
}

}  // namespace engine::optical_transformer
