// SPDX-License-Identifier: GPL-3.0-or-later
// What the cells of the run table say.
#pragma once

#include "widgets/models/comparison_view.h"

#include <QString>
#include <QVariant>

namespace widgets {

struct RunNote;

/// What a column is about.
enum class RunField {
  name,
  state,
  step,
  setting,
  metric,
  delta,
  speed,
  duration,
  checkpoint,
  tags,
  note
};

struct RunColumn {
  RunField field = RunField::name;
  std::size_t at = 0;  ///< of settings and metrics: which
};

/// Columns of words stand at the left of their cells, numbers at the right.
bool is_text(RunField field);

QString cell_text(const ComparisonView& view, std::size_t run, RunColumn column,
                  const RunNote& note);
/// The number in the cell, else its words; invalid when it is not known.
QVariant cell_value(const ComparisonView& view, std::size_t run, RunColumn column,
                    const RunNote& note);
QString column_title(const ComparisonView& view, RunColumn column);
QString column_tip(const ComparisonView& view, RunColumn column);

}  // namespace widgets
