// SPDX-License-Identifier: GPL-3.0-or-later
// What a device, real or simulated, does to the exact outputs of an operation:
//   reading = offset + gain · exact + fixed error of the element + drift of the repeat + noise
#pragma once

#include "engine/statistics/line_fit.h"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace engine {

/// `repeats` readings of the same `exact` outputs, one repeat after the other in `values`. The
/// channel of element i is i mod channels: the last dimension.
struct Readings {
  std::span<const double> exact;
  std::span<const double> values;
  std::int64_t repeats = 1;
  std::int64_t channels = 1;
};

/// Residuals (the reading less offset + gain·exact) of the elements whose exact value lies in
/// [low, high].
struct SignalBin {
  double low = 0, high = 0;
  std::int64_t elements = 0;
  double mean = 0;
  double spread = 0;
};

struct ChannelError {
  std::int64_t channel = 0;
  Estimate mean;      ///< of the residuals, over elements: this channel's own offset
  double spread = 0;  ///< of the residuals, repeats included
  double gain = 0;    ///< the channel's own; NaN when it has fewer than three elements
};

struct RepeatError {
  double mean = 0;  ///< of the residuals
  double gain = 0;  ///< the repeat's own
};

struct DeviceFit {
  std::int64_t elements = 0;
  std::int64_t repeats = 0;
  std::int64_t non_finite = 0;  ///< elements left out because a reading of them is not finite
  Estimate gain;
  Estimate offset;
  /// Standard deviation between repeats of one element, drift removed. With a single repeat it
  /// cannot be told from the fixed error and is that of the residuals.
  Estimate noise;
  /// Standard deviation over elements of what repeats do not average out (quantised operands,
  /// channel errors); NaN with a single repeat.
  double fixed_error = std::numeric_limits<double>::quiet_NaN();
  double sqnr_db = 0;  ///< of readings against exact outputs, gain and offset included
  /// Change of the mean per repeat, straight line; NaN below three repeats.
  Estimate drift;
  std::vector<SignalBin> signal;  ///< some ten bins of equally many elements, by exact value
  std::vector<ChannelError> channel_errors;
  std::vector<RepeatError> repeat_errors;
};

/// Gain, offset and noise hold together with probability `confidence` (Bonferroni: each interval
/// has a third of the doubt); the same holds of the channels' means among each other. Errors of
/// elements count as independent of each other, repeats of an element do not.
DeviceFit fit_device(const Readings& readings, double confidence);

}  // namespace engine
