// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "engine/problem.h"
#include "widgets/models/comparison_view.h"

#include <QObject>
#include <QSet>
#include <QStringList>
#include <QTimer>

#include <functional>
#include <utility>
#include <vector>

namespace app {

/// The runs that can be compared: found, read and followed on pool threads. GUI thread.
class ComparedRuns : public QObject {
  Q_OBJECT

 public:
  explicit ComparedRuns(QObject* parent = nullptr);

  /// Run folders, folders of runs, logs of other trainers. Those that are known stay as they are.
  void addPaths(const QStringList& paths);
  /// Folders of runs that are to begin: each is added as soon as it says what it is known by.
  void expect(const QStringList& folders);
  /// While this says no, nothing is followed.
  void setWatched(std::function<bool()> is_watched) { is_watched_ = std::move(is_watched); }

  const std::vector<widgets::ComparableRunPtr>& all() const { return runs_; }
  bool isReading() const;

 Q_SIGNALS:
  void added(std::size_t first);  ///< from this index of all() on
  /// One of them is known by another key from now on: its first line has been written.
  void renamed(const QString& before, const QString& now);
  void changed();  ///< what they hold, or whether their folders are there
  void troubled(const engine::Problem& problem);

 private:
  using Exchange = std::pair<const engine::ComparableRun*, widgets::ComparableRunPtr>;

  void findNext();
  void readNext();
  void take(std::vector<engine::ComparableRun> loaded);
  void nameApart(engine::ComparableRun& next);
  void addBits();
  void lookForExpected();
  void follow();
  void exchange(const std::vector<Exchange>& exchanged);

  std::function<bool()> is_watched_;
  std::vector<widgets::ComparableRunPtr> runs_;
  QStringList to_find_;   ///< as given
  QSet<QString> known_;   ///< what is or will be read
  QStringList waiting_;   ///< run folders and logs, one each
  QStringList expected_;  ///< folders of runs that have not begun
  BackgroundJob find_job_;
  BackgroundJob read_job_;
  BackgroundJob bits_job_;
  BackgroundJob expect_job_;
  BackgroundJob follow_job_;
  QTimer clock_;
  int ticks_ = 0;
};

}  // namespace app
