// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/run_comparison.h"

#include <QStringList>
#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;
class QToolButton;

namespace widgets {

/// What a comparison is of: metric, statistic, horizontal axis, and which runs the table lists.
class CompareTools : public QWidget {
  Q_OBJECT

 public:
  explicit CompareTools(QWidget* parent = nullptr);

  /// The metrics that can be chosen; `preferred` until the user has chosen one of them.
  void setMetrics(const QStringList& metrics, const QString& preferred);
  /// The chosen metric and, behind it, the losses. Throws engine::Error for a statistic that cannot
  /// be read.
  engine::ComparisonOptions options() const;
  bool showsMeans() const;
  /// "3 of 12 runs", or what is wrong with the filter.
  void setFound(const QString& text, bool is_error);

 Q_SIGNALS:
  void optionsChanged();
  void meansToggled();
  void filterChanged(const QString& text);
  void addRequested();
  void exportRequested();

 private:
  void makeChoices();

  QComboBox* metric_;
  QComboBox* statistic_;
  QComboBox* axis_;
  QToolButton* means_;
  QLineEdit* filter_;
  QLabel* found_;
};

}  // namespace widgets
