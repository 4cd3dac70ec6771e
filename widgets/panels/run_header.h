// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_actions.h"

#include <QTimer>
#include <QWidget>

#include <array>
#include <initializer_list>

class QLabel;
class QToolButton;

namespace widgets {

class RunControls;
class Selection;

/// The head of the monitor: name, state and progress of the selected run, what it was asked and has
/// not answered yet, and the buttons of what can be asked now. Of an ended run: what resuming it
/// would restore, or why it cannot be.
class RunHeader : public QWidget {
  Q_OBJECT

 public:
  /// All outlive this.
  RunHeader(Selection* selection, const RunStore* runs, RunControls* controls,
            QWidget* parent = nullptr);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void refresh();
  void showState(const RunRecord& run);
  void showFacts(const RunRecord& run);
  void showButtons(const RunRecord& run);
  QToolButton* addButton(const QString& name, RunAction action);
  std::array<QToolButton*, 8> buttons() const;
  void addMenu(QToolButton* button, std::initializer_list<RunAction> actions);

  Selection* selection_;
  const RunStore* runs_;
  RunControls* controls_;
  QLabel* name_;
  QLabel* state_;
  QLabel* request_;
  QLabel* facts_;
  QLabel* advice_;
  QToolButton* pause_ = nullptr;
  QToolButton* proceed_ = nullptr;
  QToolButton* checkpoint_ = nullptr;
  QToolButton* stop_ = nullptr;
  QToolButton* extend_ = nullptr;
  QToolButton* further_ = nullptr;
  QToolButton* resume_ = nullptr;
  QToolButton* copy_resume_ = nullptr;  ///< for a run on another machine
  QTimer clock_;                        ///< the age of a request
};

}  // namespace widgets
