// SPDX-License-Identifier: GPL-3.0-or-later
// What a probe found, as plain values.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/statistics/device_fit.h"
#include "engine/statistics/noise_checks.h"
#include "engine/statistics/output_error.h"
#include "engine/statistics/rule_fit.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace engine {

struct ProbeTensor {
  std::string name;
  std::string dtype;  ///< F32, BF16, F16
  std::vector<std::int64_t> shape;
};

/// A range in effect.
struct ProbeRange {
  std::string site;
  double low = 0, high = 0;
  bool is_given = false;  ///< else taken from the data
};

/// Real hardware beside the simulation.
struct MeasuredReport {
  std::string file;
  double confidence = 0;
  std::int64_t draws = 0;  ///< of the simulation that were compared
  DeviceFit hardware;      ///< the readings against the exact product
  DeviceFit simulation;    ///< the draws against the exact product
  RuleFit fit;
  std::string rule_file;
};

struct ProbeReport {
  std::string paradigm;
  std::string operation;
  std::string layer;
  std::string device;
  std::int64_t seed = 0;
  std::int64_t first_step = 0;
  std::int64_t draws = 0;
  ParamValues values;  ///< in effect
  std::vector<ProbeTensor> inputs;
  ProbeTensor output;
  std::vector<ProbeRange> ranges;
  OutputError error;  ///< against the exact product, over all draws
  /// What the layers measured themselves (clamp rates, flip counts), mean over draws.
  std::vector<std::pair<std::string, double>> statistics;
  std::optional<MeasuredReport> measured;
};

struct SelfCheckReport {
  struct Part {
    std::string paradigm;
    std::vector<NoiseCheck> checks;
  };
  std::vector<Part> parts;
  std::int64_t samples = 0;
  std::int64_t seed = 0;
  std::string device;
  double bounds = 0;  ///< half-width of the bounds in standard errors

  bool pass() const;
};

}  // namespace engine
