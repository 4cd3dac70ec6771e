// SPDX-License-Identifier: GPL-3.0-or-later
// What every compute paradigm must keep, as checks that run over any of them: the built-in ones in
// the tests, one that was just loaded in a program.
#pragma once

#include "engine/conformance/conformance_result.h"
#include "engine/transform/paradigm.h"
#include "engine/transform/paradigm_info.h"

#include <c10/core/Device.h>

#include <memory>
#include <string>
#include <vector>

namespace engine {

struct ConformanceCase {
  ParadigmInfo info;
  std::shared_ptr<const Paradigm> paradigm;
  LayerKind kind = LayerKind::linear;  ///< one of info.targets
  at::Device device = at::kCPU;
};

/// One for each kind of layer that the paradigm replaces.
std::vector<ConformanceCase> conformance_cases(const ParadigmInfo& info,
                                               std::shared_ptr<const Paradigm> paradigm,
                                               at::Device device = at::kCPU);

/// Names of the checks, in the order in which they run.
std::vector<std::string> conformance_checks();

/// Runs one check. An exception of the paradigm is a broken promise with its message.
ConformanceResult check_conformance(const ConformanceCase& subject, const std::string& check);
/// Runs all of them.
std::vector<ConformanceResult> check_conformance(const ConformanceCase& subject);

/// The same layer on two devices: the share of output elements further apart than 1e-4 of the
/// largest magnitude in their row, and the largest distance on that scale.
struct DeviceDifference {
  double share_apart = 0;
  double largest = 0;
};
DeviceDifference difference_between(const ConformanceCase& one, const ConformanceCase& other);

}  // namespace engine
