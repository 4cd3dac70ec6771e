// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/comparison_groups.h"

#include "engine/statistics/sample_statistics.h"
#include "widgets/models/run_list_model.h"
#include "widgets/models/run_notes.h"
#include "widgets/style/text.h"

#include <QObject>

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

const RunNote& note_of(const TableRuns& runs, int run) {
  return runs.notes.of(runs.keys[static_cast<std::size_t>(run)]);
}

QString label_of(const TableRuns& runs, int run, const QString& by) {
  const auto at = static_cast<std::size_t>(run);
  const engine::RunComparison& comparison = runs.view.comparison;
  if (by == QLatin1String("seeds")) return qt(comparison.groups[comparison.runs[at].group].label);
  if (by == QLatin1String("tags")) {
    const QString tags = note_of(runs, run).tags.join(QStringLiteral(", "));
    return tags.isEmpty() ? QObject::tr("no tags") : tags;
  }
  if (by == QLatin1String("state")) return state_text(runs.view.runs[at]->observed.state);
  for (const engine::ConfigColumn& column : comparison.columns) {
    if (qt(column.name) == by) return QStringLiteral("%1 %2").arg(by, qt(column.values[at]));
  }
  return QObject::tr("%1 is equal in all").arg(by);
}

/// The finite numbers of a column.
engine::SampleStatistics statistics_in(const TableRuns& runs, const RunGroup& group,
                                       RunColumn column) {
  std::vector<double> values;
  for (const int run : group.runs) {
    const QVariant each =
        cell_value(runs.view, static_cast<std::size_t>(run), column, note_of(runs, run));
    if (each.userType() == QMetaType::Double && std::isfinite(each.toDouble()))
      values.push_back(each.toDouble());
  }
  return engine::statistics_of(values);
}

}  // namespace

std::vector<RunGroup> run_groups(const TableRuns& runs, const QString& by) {
  std::vector<RunGroup> groups;
  for (int run = 0; run < int(runs.keys.size()); ++run) {
    const QString label = label_of(runs, run, by);
    auto found = std::find_if(groups.begin(), groups.end(),
                              [&](const RunGroup& group) { return group.label == label; });
    if (found == groups.end()) found = groups.insert(groups.end(), {label, {}});
    found->runs.push_back(run);
  }
  return groups;
}

QString group_text(const TableRuns& runs, const RunGroup& group, RunColumn column) {
  if (column.field == RunField::name)
    return QObject::tr("%1 · %n runs", nullptr, int(group.runs.size())).arg(group.label);
  if (column.field == RunField::metric || column.field == RunField::delta) {
    const engine::SampleStatistics found = statistics_in(runs, group, column);
    if (found.count == 0) return {};
    const QString mean = qt(column.field == RunField::delta ? engine::shown_delta(found.mean)
                                                            : engine::shown(found.mean));
    return found.count == 1
               ? mean
               : QStringLiteral("%1 ± %2").arg(mean, qt(engine::shown(found.deviation)));
  }
  const auto text = [&](int run) {
    return cell_text(runs.view, static_cast<std::size_t>(run), column, note_of(runs, run));
  };
  const QString shared = text(group.runs.front());
  const bool is_shared = std::all_of(group.runs.begin(), group.runs.end(),
                                     [&](int run) { return text(run) == shared; });
  return is_shared ? shared : QString();
}

QVariant group_value(const TableRuns& runs, const RunGroup& group, RunColumn column) {
  if (column.field == RunField::name) return group.label;
  const engine::SampleStatistics found = statistics_in(runs, group, column);
  return found.count == 0 ? QVariant(group_text(runs, group, column)) : QVariant(found.mean);
}

}  // namespace widgets
