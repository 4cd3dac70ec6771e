// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_view.h"

#include <QTreeWidget>

namespace widgets {

/// What was found, as text: the verdicts of each group, what its configuration changes, where its
/// curves part, and the notes. Choosing a changed group of layers names them.
class ComparisonDetails : public QTreeWidget {
  Q_OBJECT

 public:
  explicit ComparisonDetails(QWidget* parent = nullptr);
  void setView(const ComparisonViewPtr& view);

 Q_SIGNALS:
  void layersChosen(const QStringList& layers);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void fill();

  ComparisonViewPtr view_;
};

}  // namespace widgets
