// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"

#include <QWidget>

class QLabel;
class QTreeView;

namespace widgets {

class EmptyState;
class MessageBar;
class Selection;
class TransformRulesModel;

/// The ordered rules of the open transform file with what each matches, wins and loses.
class TransformRulesPanel : public QWidget {
  Q_OBJECT

 public:
  explicit TransformRulesPanel(Selection* selection, QWidget* parent = nullptr);

  void setView(PlanViewPtr view);
  MessageBar* messages() const { return messages_; }
  QTreeView* list() const { return list_; }
  TransformRulesModel* model() const { return model_; }

 Q_SIGNALS:
  void openRequested();

 protected:
  void resizeEvent(QResizeEvent* event) override;  ///< a narrow panel shows fewer columns

 private:
  Selection* selection_;
  TransformRulesModel* model_;
  MessageBar* messages_;
  QTreeView* list_;
  QLabel* summary_;
  EmptyState* empty_;
};

}  // namespace widgets
