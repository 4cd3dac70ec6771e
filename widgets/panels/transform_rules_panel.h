// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"

#include <QList>
#include <QWidget>

class QAction;
class QLabel;
class QTreeView;

namespace widgets {

class EmptyState;
class MessageBar;
class RuleEditor;
class RuleListView;
class Selection;
class TransformRulesModel;

/// The ordered rules of the open transform file with what each matches, wins and loses. Rules are
/// added, moved, copied, deleted, left alone and their patterns edited here; every edit can be
/// undone.
class TransformRulesPanel : public QWidget {
  Q_OBJECT

 public:
  struct Actions {
    QAction* add = nullptr;
    QAction* duplicate = nullptr;
    QAction* remove = nullptr;
    QAction* move_up = nullptr;
    QAction* move_down = nullptr;
    QAction* leave_alone = nullptr;
    QAction* edit_pattern = nullptr;
    QAction* go_to_form = nullptr;
  };

  TransformRulesPanel(Selection* selection, RuleEditor* editor, QWidget* parent = nullptr);

  void setView(PlanViewPtr view);
  MessageBar* messages() const { return messages_; }
  QTreeView* list() const;
  TransformRulesModel* model() const { return model_; }
  const Actions& actions() const { return actions_; }
  /// A strip above the list: the bar that makes rules.
  void setTopBar(QWidget* bar);
  /// Where a rule that is made now is put: before the first chosen one, else behind the last.
  int placeForNewRule() const;

 Q_SIGNALS:
  void openRequested();
  void newRequested();
  void presetsRequested();
  void formRequested();
  /// Makes a rule of the selected layers, or an empty one when none is selected.
  void addRequested(int before);
  void layersDropped(const QStringList& layers, int before);
  void layersDroppedOn(const QStringList& layers, int rule);
  /// The order that is hovered while a rule is dragged; from = to: none.
  void previewRequested(int from, int to);

 protected:
  void resizeEvent(QResizeEvent* event) override;  ///< a narrow panel shows fewer columns

 private:
  void makeActions();
  void takeSelection();
  void showSelection();
  void updateActions();
  void move(int step);
  QList<int> chosen() const { return chosen_; }

  Selection* selection_;
  RuleEditor* editor_;
  TransformRulesModel* model_;
  MessageBar* messages_;
  RuleListView* list_;
  QLabel* summary_;
  QWidget* top_ = nullptr;
  EmptyState* empty_;
  Actions actions_;
  QList<int> chosen_;
  bool following_ = false;
};

}  // namespace widgets
