// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_view.h"
#include "widgets/models/run_notes.h"

#include <QWidget>

class QLabel;
class QLineEdit;
class QToolButton;

namespace widgets {

class TradeOffPlot;

/// All runs of the table as results against a cost that the user names, and that comes back
/// with the next start.
class CompareTradeOff : public QWidget {
  Q_OBJECT

 public:
  explicit CompareTradeOff(RunNotesPtr notes, QWidget* parent = nullptr);

  /// The notes have another store: takes the choices that stand there.
  void restore();

  void setView(ComparisonViewPtr view);
  QString cost() const;

 Q_SIGNALS:
  void runClicked(int run);  ///< index in the view

 private:
  void showPoints();

  RunNotesPtr notes_;
  QLineEdit* cost_;
  QToolButton* log_;
  QLabel* note_;
  TradeOffPlot* plot_;
  ComparisonViewPtr view_;
};

}  // namespace widgets
