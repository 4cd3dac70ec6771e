// SPDX-License-Identifier: GPL-3.0-or-later
// Which values of a rule make the simulation most like a measurement.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/statistics/line_fit.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace engine {

/// Draws of the simulation with a rule's values, whole tensors one after the other; at least two.
using SimulateRule = std::function<std::vector<double>(const ParamValues&)>;

struct FittedParameter {
  std::string name;
  std::string given;
  std::string fitted;
};

struct RuleFit {
  std::vector<FittedParameter> parameters;  ///< all that were tried
  ParamValues values;                       ///< of the rule that fits best
  double score_given = 0;   ///< mean ranked score of the rule as given, in units of the output
  double score_fitted = 0;  ///< and of the fitted one: less is better
  Estimate improvement;     ///< score_given - score_fitted, from the elements' differences
  std::int64_t simulations = 0;
};

/// The values worth trying for one parameter: whole grids of choices and booleans, powers of two
/// for integers and probabilities and for reals with a positive range, unset where that is allowed.
std::vector<ParamValue> fit_candidates(const ParamSpec& spec, const ParamValue& current);

/// One parameter after the other over its candidates, then between the neighbours of the best one,
/// until nothing changes. Where outputs lie on levels, a number of levels fits far better than its
/// neighbours when it is the true one and hardly better when it is not, so a whole number is also
/// sought where the errors are as large as the measurement's, one by one. A value replaces the
/// current one only when the elements' scores fall by more than two standard errors: what the
/// measurement cannot tell stays as it was given. `measured` are whole tensors of the size of
/// `exact`, brought to its scale (gain and offset taken out).
RuleFit fit_rule(const ParamSchema& schema, const std::vector<std::string>& names,
                 const ParamValues& given, std::span<const double> exact,
                 std::span<const double> measured, const SimulateRule& simulate, double confidence);

}  // namespace engine
