// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "app/workbench/compared_runs.h"
#include "widgets/models/comparison_view.h"
#include "widgets/models/run_look_store.h"

#include <QObject>
#include <QSet>
#include <QStringList>

#include <vector>

class QSettings;

namespace widgets {
class ComparePanel;
}

namespace app {

/// What stands behind the compare panel: the runs, and the comparisons of them that it shows, which
/// are computed on pool threads.
class CompareWorkspace : public QObject {
  Q_OBJECT

 public:
  /// `settings` may be null: nothing is remembered then. `looks` null: of its own. All outlive
  /// this.
  CompareWorkspace(widgets::ComparePanel* panel, QSettings* settings,
                   widgets::RunLookStore* looks = nullptr, QObject* parent = nullptr);

  /// Run folders, folders of runs, logs of other trainers. Those that are known stay as they are.
  void addPaths(const QStringList& paths) { runs_.addPaths(paths); }
  /// Folders of runs that are to begin: each is added once it has, and ticked where that is wished.
  void expect(const QStringList& folders, bool with_tick);
  /// Every run is read and every view shown.
  bool isSettled() const;
  const std::vector<widgets::ComparableRunPtr>& runs() const { return runs_.all(); }

 private:
  void showAdded(std::size_t first);
  void compute();
  void keepTick(const QString& old_key, const QString& key);
  void exportTo();
  int lookOf(const engine::ComparableRun& run);
  std::vector<widgets::ComparableRunPtr> shownRuns() const;
  std::size_t baselineAmong(const std::vector<widgets::ComparableRunPtr>& runs) const;

  widgets::ComparePanel* panel_;
  widgets::RunLookStore own_looks_;
  widgets::RunLookStore* looks_;
  ComparedRuns runs_;
  BackgroundJob view_job_;
  BackgroundJob export_job_;
  QSet<QString> to_tick_;  ///< folders
  bool is_first_choice_ = true;
  bool is_stale_ = false;
  bool are_charts_due_ = false;  ///< of the newest views only the table is shown
  bool has_refused_ = false;     ///< the message shown is about what was chosen last
};

}  // namespace app
