// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"
#include "widgets/models/problems_model.h"

#include <QWidget>

#include <vector>

class QTreeView;

namespace widgets {

class EmptyState;

/// What is wrong with the open transform file, where, and the way out: a click on the fix mends it,
/// a double click goes to the place.
class ProblemsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit ProblemsPanel(QWidget* parent = nullptr);

  void setProblems(const std::vector<engine::Problem>& problems);
  ProblemsModel* model() const { return model_; }
  QTreeView* list() const { return list_; }

 Q_SIGNALS:
  void fixRequested(const engine::ProblemFix& fix);
  void placeRequested(const engine::Place& place);

 protected:
  void resizeEvent(QResizeEvent* event) override;  ///< a narrow panel shows fewer columns

 private:
  void fix(int row);
  void showMenu(const QPoint& position);

  ProblemsModel* model_;
  QTreeView* list_;
  EmptyState* empty_;
};

}  // namespace widgets
