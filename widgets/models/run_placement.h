// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/axis_series.h"
#include "widgets/models/run_store.h"

#include <map>
#include <utility>

namespace widgets {

enum class RunAxis { step, tokens, time };  ///< time: seconds of work

/// Where the steps of runs stand on the axis that is chosen, and which step stands at a place.
/// Wherever a run may be null, places are steps.
class RunPlacement {
 public:
  RunAxis axis() const { return axis_; }
  void setAxis(RunAxis axis);
  QString axisTitle() const;

  /// The metric by that axis: the run's own series for steps, else one that grows with it, valid
  /// until the next setAxis().
  const engine::RunSeries* placed(const RunRecord& run, Metric metric);
  double placeOf(const RunRecord* run, double step) const;
  double stepAt(const RunRecord* run, double x) const;
  /// "step 1,200 · 4.9M tokens · 2 min"
  QString placeText(const RunRecord* run, double x) const;
  /// Where the run will end; 0 where that is not known.
  double expectedEnd(const RunRecord& run) const;

 private:
  const engine::RunSeries& places(const RunRecord& run) const;

  RunAxis axis_ = RunAxis::step;
  std::map<std::pair<QString, Metric>, AxisSeries> placed_;
};

}  // namespace widgets
