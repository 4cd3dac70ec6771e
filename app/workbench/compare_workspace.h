// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "widgets/models/comparison_view.h"

#include <QObject>
#include <QSet>
#include <QStringList>
#include <QTimer>

#include <map>
#include <vector>

class QSettings;

namespace widgets {
class ComparePanel;
}

namespace app {

/// What stands behind the compare panel: reads runs and computes comparisons on pool threads,
/// follows those that are still training, and remembers the colour of each run.
class CompareWorkspace : public QObject {
  Q_OBJECT

 public:
  /// `settings` may be null: nothing is remembered then. Both outlive this.
  CompareWorkspace(widgets::ComparePanel* panel, QSettings* settings, QObject* parent = nullptr);

  /// Run folders, folders of runs, logs of other trainers. Those that are known stay as they are.
  void addPaths(const QStringList& paths);
  /// Every run is read and every view shown.
  bool isSettled() const;
  const std::vector<widgets::ComparableRunPtr>& runs() const { return runs_; }

 private:
  void findNext();
  void readNext();
  void take(std::vector<engine::ComparableRun> loaded);
  void compute();
  void follow();
  void exchangeRuns(
      const std::vector<std::pair<const engine::ComparableRun*, widgets::ComparableRunPtr>>& pairs);
  void keepTick(const engine::ComparableRun& before, const engine::ComparableRun& now);
  void exportTo();
  int colorOf(const engine::ComparableRun& run);
  std::size_t baselineAmong(const std::vector<widgets::ComparableRunPtr>& runs) const;

  widgets::ComparePanel* panel_;
  QSettings* settings_;
  std::vector<widgets::ComparableRunPtr> runs_;
  QStringList to_find_;  ///< as given
  QSet<QString> known_;  ///< what is or will be read
  QStringList waiting_;  ///< run folders and logs, one each
  std::map<QString, int> colors_;
  BackgroundJob find_job_;
  BackgroundJob read_job_;
  BackgroundJob view_job_;
  BackgroundJob follow_job_;
  BackgroundJob export_job_;
  QTimer clock_;
  int ticks_ = 0;
  bool is_first_choice_ = true;
  bool is_stale_ = false;
  bool has_refused_ = false;  ///< the message shown is about what was chosen last
};

}  // namespace app
