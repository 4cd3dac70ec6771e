// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/run_comparison.h"
#include "widgets/models/run_notes.h"

#include <QStringList>
#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;
class QToolButton;

namespace widgets {

/// What a comparison is of: metric, statistic, horizontal axis, and which runs the table lists.
/// Metric, statistic and axis come back with the next start.
class CompareTools : public QWidget {
  Q_OBJECT

 public:
  explicit CompareTools(RunNotesPtr notes, QWidget* parent = nullptr);

  /// The notes have another store: takes the choices that stand there.
  void restore();

  /// The metrics that can be chosen; `preferred` is shown until the user has chosen one of them.
  void setMetrics(const QStringList& metrics, const QString& preferred);
  /// The chosen metric and, behind it, the losses; no metric unless the user has chosen one of
  /// those that there are. Throws engine::Error for a statistic that cannot be read.
  engine::ComparisonOptions options() const;
  /// "3 of 12 runs", or what is wrong with the filter.
  void setFound(const QString& text, bool is_error);

 Q_SIGNALS:
  void optionsChanged();
  void filterChanged(const QString& text);
  void addRequested();
  void exportRequested();

 private:
  void makeChoices();
  void remember(const char* name, const QString& choice);

  RunNotesPtr notes_;
  QStringList metrics_;
  QComboBox* metric_;
  QComboBox* statistic_;
  QComboBox* axis_;
  QLineEdit* filter_;
  QLabel* found_;
};

}  // namespace widgets
