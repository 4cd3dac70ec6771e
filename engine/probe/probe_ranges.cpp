// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/probe/probe_ranges.h"

#include "engine/error.h"

#include <ATen/ops/empty.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace engine {

RangeChoice::RangeChoice(std::vector<RangeSite> sites, const std::vector<FixedRange>& fixed,
                         const std::string& paradigm)
    : sites_(std::move(sites)), fixed_(fixed) {
  std::vector<std::string> names;
  for (const RangeSite& site : sites_) names.push_back(site.name);
  for (const FixedRange& range : fixed_) {
    if (std::find(names.begin(), names.end(), range.site) != names.end()) continue;
    const std::string near = nearest_name(range.site, names);
    const std::string known =
        names.empty() ? "none can be fixed" : fmt::format("Known here: {}", fmt::join(names, ", "));
    fail("bad-value", {"--range"},
         fmt::format("{} has no range {} in this operation", paradigm, range.site),
         near.empty() ? known : fmt::format("Did you mean {}?", near));
  }
}

const RealPair* RangeChoice::fixed(const std::string& site) const {
  for (const FixedRange& range : fixed_) {
    if (range.site == site) return &range.range;
  }
  return nullptr;
}

at::Tensor range_state(const std::vector<NamedState>& states, const RangeSite& site,
                       const std::string& paradigm) {
  for (const NamedState& state : states) {
    if (state.name == site.state) return state.tensor;
  }
  fail("range-unset", {"--range"},
       fmt::format("a layer of {} has no state {} for the range {}", paradigm, site.state,
                   site.name));
}

void write_range(const at::Tensor& state, double low, double high) {
  const float bounds[2] = {static_cast<float>(low), static_cast<float>(high)};
  at::Tensor values = at::empty({2}, at::TensorOptions().dtype(at::kFloat));
  std::copy(bounds, bounds + 2, values.data_ptr<float>());
  state.copy_(values);
}

std::pair<float, float> read_range(const at::Tensor& state) {
  const at::Tensor values = state.to(at::kCPU, at::kFloat).contiguous();
  return {values.const_data_ptr<float>()[0], values.const_data_ptr<float>()[1]};
}

void write_fixed_ranges(const std::vector<NamedState>& states, const RangeChoice& choice,
                        const std::string& paradigm) {
  for (const RangeSite& site : choice.sites()) {
    const RealPair* range = choice.fixed(site.name);
    if (range == nullptr) continue;
    write_range(range_state(states, site, paradigm), range->first, range->second);
  }
}

std::vector<ProbeRange> used_ranges(const std::vector<NamedState>& states,
                                    const RangeChoice& choice, const std::string& paradigm) {
  std::vector<ProbeRange> ranges;
  for (const RangeSite& site : choice.sites()) {
    const auto [low, high] = read_range(range_state(states, site, paradigm));
    if (!std::isfinite(low)) continue;  // never used: bypass
    ranges.push_back({site.name, low, high, choice.fixed(site.name) != nullptr});
  }
  return ranges;
}

}  // namespace engine
