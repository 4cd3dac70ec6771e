// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"

#include <QTimer>
#include <QWidget>

class QLabel;

namespace widgets {

class EmptyState;
class Selection;
class TransformDocument;
class YamlEdit;

/// The text of the open transform file, beside it what each rule matches and wins, problems
/// underlined in place. The same document and undo history as every other view.
class YamlPanel : public QWidget {
  Q_OBJECT

 public:
  YamlPanel(TransformDocument* document, Selection* selection, QWidget* parent = nullptr);

  void setView(PlanViewPtr view);
  /// Moves the cursor to a place of the text and takes the focus.
  void reveal(const engine::Place& place);
  YamlEdit* edit() const { return edit_; }
  QString stateText() const;

 Q_SIGNALS:
  void newRequested();
  void openRequested();

 private:
  void showText();
  void showView();
  void showRule();
  std::pair<int, int> linesOf(int rule) const;

  TransformDocument* document_;
  Selection* selection_;
  PlanViewPtr view_;
  YamlEdit* edit_;
  QLabel* state_;
  EmptyState* empty_;
  QTimer pause_;  ///< ends a run of typing that is undone at once
};

}  // namespace widgets
