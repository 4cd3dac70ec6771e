// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of the run table put together: which there are, and what their own row says.
#pragma once

#include "widgets/models/comparison_cells.h"

#include <QString>
#include <QVariant>

#include <vector>

namespace widgets {

class RunNotes;

struct RunGroup {
  QString label;
  std::vector<int> runs;  ///< indices in the view

  friend bool operator==(const RunGroup&, const RunGroup&) = default;
};

/// The runs of a table, and what they are known by.
struct TableRuns {
  const ComparisonView& view;
  const std::vector<QString>& keys;
  const RunNotes& notes;
};

/// In the order of their first runs. `by` is "seeds", "tags", "state", or a setting's name.
std::vector<RunGroup> run_groups(const TableRuns& runs, const QString& by);

/// What the runs of a group share, and the mean and standard deviation of their metrics.
QString group_text(const TableRuns& runs, const RunGroup& group, RunColumn column);
/// What the group is sorted by in this column: a mean, else its words.
QVariant group_value(const TableRuns& runs, const RunGroup& group, RunColumn column);

}  // namespace widgets
