// SPDX-License-Identifier: GPL-3.0-or-later
// What `paradigm probe` asks of a paradigm beyond the layers it makes.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/model/forward_context.h"
#include "engine/statistics/noise_checks.h"
#include "engine/transform/layer_inventory.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// A place in a layer whose range a user may fix, and the layer's state that holds it: {lo, hi}.
struct RangeSite {
  std::string name;          ///< "x", "weight", "out"
  std::string state;         ///< "x_min_max"
  bool is_read_out = false;  ///< its values depend on the ranges of the operands
};

/// One operand on its way into a product.
struct EncodeCall {
  std::string role;  ///< one of roles()
  std::string layer;
  std::uint64_t run_seed = 42;
  ForwardContext context{};
  std::optional<RealPair> range;  ///< unset = from the data; the range used is put here
};

struct SelfCheckCall {
  std::uint64_t run_seed = 42;
  std::int64_t samples = 0;  ///< per check, at least
  c10::Device device{c10::DeviceType::CPU};
};

/// The base version offers nothing but the layers themselves.
class ParadigmProbe {
 public:
  virtual ~ParadigmProbe();

  virtual std::vector<RangeSite> range_sites(LayerKind kind) const;
  /// `values` so changed that a layer made with them keeps, in any number of training passes, the
  /// ranges that its state holds before the first one, and takes the others from the first.
  virtual ParamValues steady(ParamValues values) const;

  /// Whether its attention heeds an AttentionShape that is not causal.
  virtual bool offers_full_attention() const;

  /// Whether noise of such a layer may be one pattern for the run, as a chip's spread from
  /// fabrication is: another seed gives another, a step does not. Otherwise every step and
  /// micro-step must draw anew.
  virtual bool draws_once_per_run(LayerKind kind) const;

  /// Operands that encode() knows; empty = encode() is not offered.
  virtual std::vector<std::string> roles() const;
  /// The operand's values as the product sees them, in context.compute_dtype.
  virtual at::Tensor encode(const at::Tensor& operand, const ParamValues& values,
                            EncodeCall& call) const;

  /// Parameters that a measurement can tell, in the order in which they are best searched.
  virtual std::vector<std::string> fitted_parameters() const;

  /// The statistical tests of the paradigm's noise, as its layers draw it; empty = none offered.
  virtual std::vector<NoiseCheck> self_check(const ParamValues& values,
                                             const SelfCheckCall& call) const;
};

}  // namespace engine
