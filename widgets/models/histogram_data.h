// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"
#include "widgets/models/run_store.h"

#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace widgets {

struct HistogramBar {
  QString label;   ///< pattern, "default" or "untransformed"
  QString detail;  ///< paradigm, or why not
  int attentions = 0;
  int linears = 0;
  QStringList layers;
  bool untransformed = false;
  std::optional<int> planned;             ///< drawn as an outline when it differs
  std::optional<double> parameter_share;  ///< of all target layers' parameters

  int count() const { return attentions + linears; }
};

/// Bars in rule order, `default` after them, untransformed last.
struct HistogramData {
  std::vector<HistogramBar> bars;
  QString caption;  ///< "planned", "applied: run-a"
  QString note;     ///< progress, or what is wrong
  bool note_is_error = false;

  int total() const;
};

HistogramData planned_histogram(const PlanView& view);
/// What a run's engine really replaced, against what its own transform plans on its own model.
HistogramData applied_histogram(const RunRecord& run);

}  // namespace widgets
