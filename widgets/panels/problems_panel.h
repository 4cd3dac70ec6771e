// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"

#include <QWidget>

#include <vector>

class QTreeView;

namespace widgets {

class EmptyState;
class ProblemsModel;

/// What is wrong with the open transform file, where, and the way out.
class ProblemsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit ProblemsPanel(QWidget* parent = nullptr);

  void setProblems(const std::vector<engine::Problem>& problems);
  ProblemsModel* model() const { return model_; }
  QTreeView* list() const { return list_; }

 private:
  ProblemsModel* model_;
  QTreeView* list_;
  EmptyState* empty_;
};

}  // namespace widgets
