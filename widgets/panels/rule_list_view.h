// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTreeView>

namespace widgets {

/// The list of rules as a place to drag: a rule between others, layers between rules or onto one.
/// Tells while a rule hovers where it would go, so that the counts of that order can be shown.
class RuleListView : public QTreeView {
  Q_OBJECT

 public:
  explicit RuleListView(QWidget* parent = nullptr);

 Q_SIGNALS:
  void ruleHovered(int rule, int gap);  ///< between the rows gap - 1 and gap
  void hoverEnded();

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dragMoveEvent(QDragMoveEvent* event) override;
  void dragLeaveEvent(QDragLeaveEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  int gapAt(const QPoint& position) const;
};

}  // namespace widgets
