// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/setting_fixes.h"
#include "engine/problem.h"

#include <QWidget>

#include <vector>

class QGridLayout;
class QLabel;
class QScrollArea;
class QToolButton;

namespace widgets {

/// What stands in the way of a launch, all of it at once: each with its place and the way out, and
/// a button where one click is the way. Folded it says how much there is.
class LaunchChecks : public QWidget {
  Q_OBJECT

 public:
  explicit LaunchChecks(QWidget* parent = nullptr);

  /// Errors first. `running`: a newer list is being worked out. `tried`: a launch was tried;
  /// before, what has not been given yet is asked for, not complained of.
  void setProblems(std::vector<engine::Problem> problems, bool running, bool tried);
  void setOpen(bool open);
  bool isOpen() const;
  const std::vector<engine::Problem>& problems() const { return problems_; }
  /// "2 errors, 1 warning", "Nothing in the way", "Choose a model and a text or dataset"
  QString headline() const;

 Q_SIGNALS:
  void fixRequested(const engine::SettingFix& fix);
  void placeRequested(const engine::Place& place);

 protected:
  void changeEvent(QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  int count(engine::Severity severity) const;
  bool hasRows() const { return !problems_.empty() || !needed_.empty(); }
  QString needs() const;
  void styleHeader();
  void rebuild();
  void addRow(const engine::Problem& problem, int row);
  void fitHeight();

  QToolButton* header_;
  QScrollArea* scroll_;
  QWidget* body_ = nullptr;
  std::vector<engine::Problem> problems_;
  std::vector<engine::Problem> needed_;  ///< not given yet, and no launch was tried
  bool running_ = false;
};

}  // namespace widgets
