// SPDX-License-Identifier: GPL-3.0-or-later
// The ranges of a probed layer: those that a user fixes, and those that it uses.
#pragma once

#include "engine/config/probe_config.h"
#include "engine/statistics/probe_report.h"
#include "engine/transform/paradigm.h"
#include "engine/transform/paradigm_probe.h"

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace engine {

/// The ranges that a user fixed, against the places that the layers have.
class RangeChoice {
 public:
  /// Throws Error naming --range for a place that `sites` has not.
  RangeChoice(std::vector<RangeSite> sites, const std::vector<FixedRange>& fixed,
              const std::string& paradigm);

  const std::vector<RangeSite>& sites() const { return sites_; }
  /// Null where the user fixed none.
  const RealPair* fixed(const std::string& site) const;

 private:
  std::vector<RangeSite> sites_;
  std::vector<FixedRange> fixed_;
};

/// The tensor among a layer's states that holds the range of `site`: low and high.
at::Tensor range_state(const std::vector<NamedState>& states, const RangeSite& site,
                       const std::string& paradigm);
void write_range(const at::Tensor& state, double low, double high);
std::pair<float, float> read_range(const at::Tensor& state);

void write_fixed_ranges(const std::vector<NamedState>& states, const RangeChoice& choice,
                        const std::string& paradigm);
/// Those in effect; a range that was never used is left out.
std::vector<ProbeRange> used_ranges(const std::vector<NamedState>& states,
                                    const RangeChoice& choice, const std::string& paradigm);

}  // namespace engine
