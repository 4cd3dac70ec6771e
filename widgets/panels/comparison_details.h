// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_view.h"

#include <QTreeWidget>

namespace widgets {

/// What was found, as text: the verdicts of each group, what its configuration changes, where its
/// curves part, and the notes. Choosing a line names the group that it is about, and the layers
/// that change in it.
class ComparisonDetails : public QTreeWidget {
  Q_OBJECT

 public:
  explicit ComparisonDetails(QWidget* parent = nullptr);
  void setView(const ComparisonViewPtr& view);
  /// Group of the view that was chosen, the first that differs until one is; -1 without any.
  int group() const { return group_; }

 Q_SIGNALS:
  void layersChosen(const QStringList& layers);
  void groupChanged();  ///< also when the view has other groups

 protected:
  void changeEvent(QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void fill();
  void addChange(const engine::GroupChange& change);
  void choose(QTreeWidgetItem* item);
  void keepGroup(const QString& label, const QString& line);
  QTreeWidgetItem* addHead(const QString& text);

  ComparisonViewPtr view_;
  int group_ = -1;
  bool is_filling_ = false;
};

}  // namespace widgets
