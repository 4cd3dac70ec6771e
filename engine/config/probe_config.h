// SPDX-License-Identifier: GPL-3.0-or-later
// What `paradigm probe` is asked: one operation of one paradigm on given tensors, or the
// statistical tests of its noise.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"
#include "engine/transform/layer_inventory.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace engine {

enum class ProbeOperation { linear, matmul, attention, tensor };

const char* to_string(ProbeOperation operation);
std::optional<ProbeOperation> probe_operation(const std::string& word);
/// The names of the input tensors, in order; the last of linear (bias) may be missing.
const std::vector<std::string>& probe_inputs(ProbeOperation operation);

/// A range that a user fixed: `site` as the paradigm names it, x, weight, out ….
struct FixedRange {
  std::string site;
  RealPair range;
};

struct ProbeConfig {
  std::string paradigm;
  ProbeOperation operation = ProbeOperation::linear;
  std::vector<std::pair<std::string, std::string>> params;  ///< as written: key, value
  std::string role = "x";                                   ///< operation tensor
  bool causal = true;                                       ///< operation attention
  std::vector<FixedRange> ranges;
  std::string input;
  std::string output;
  std::optional<std::int64_t> repeat;  ///< set: y has a first dimension, the draw
  std::int64_t seed = 42;
  std::int64_t step = 0;
  std::string layer = "probe";
  std::string device = "cpu";

  std::string measured;  ///< readings of real hardware; empty = none
  std::string rule;      ///< where the rule that fits goes; empty = beside `output`
  double confidence = 0.99;
};

struct SelfCheckConfig {
  std::string paradigm;  ///< empty = all
  std::vector<std::pair<std::string, std::string>> params;
  std::int64_t samples = 10'000'000;
  std::int64_t seed = 42;
  std::string device = "cpu";
};

std::vector<Problem> problems_in(const ProbeConfig& config);
std::vector<Problem> problems_in(const SelfCheckConfig& config);

/// The kind of layer whose values count: attention for its operation and for the operands q, k, v
/// and probabilities.
LayerKind probed_kind(const ProbeConfig& config);

/// "key=value" texts as values of a schema, checked; the problems name --param.
ParamValues probe_values(const ParamSchema& schema,
                         const std::vector<std::pair<std::string, std::string>>& params,
                         std::vector<Problem>& problems);

/// Where the rule that fits is written.
std::string rule_file(const ProbeConfig& config);

}  // namespace engine
