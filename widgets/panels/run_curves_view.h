// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_placement.h"
#include "widgets/models/run_store.h"

#include <QStringList>
#include <QWidget>

#include <vector>

class QGridLayout;
class QStackedWidget;
class QTableView;

namespace widgets {

class CurvePlot;
class MessageBar;
class RunCurvesTools;
class RunTableModel;
class Selection;
class StepCursor;

/// What the selected run logs, as curves over one axis: loss with its evaluations, gradient norm,
/// learning rate, speed and memory, all at once or one of them large; other runs beside it, if
/// asked for. Or the same numbers as a table.
class RunCurvesView : public QWidget {
  Q_OBJECT

 public:
  RunCurvesView(Selection* selection, const RunStore* runs, StepCursor* cursor,
                MessageBar* messages, QWidget* parent = nullptr);

  /// The large one: the chosen metric's, or that of the loss.
  CurvePlot* plot() const;
  CurvePlot* plot(Metric metric) const;
  /// Other runs that are drawn too, by folder.
  void setBeside(const QStringList& folders);
  const QStringList& beside() const { return beside_; }
  void setAxis(RunAxis axis);
  void setTableShown(bool shown);
  RunTableModel* table() const { return table_; }

  /// The visible curves as .svg, .pdf or .png. An empty string, or why not.
  QString exportFigure(const QString& file) const;
  /// Every value of the run at full rate, written by another thread; `messages` says what came of
  /// it.
  void exportValues(const QString& file);

 public Q_SLOTS:
  void refresh();  ///< the selected run, or its record, is another

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  struct Chart {
    Metric metric;
    CurvePlot* plot;
  };

  void connectTools();
  void makeChart(Metric metric);
  void arrange();
  void showCurves();
  void showMarks(const RunRecord& run);
  void fillBesideMenu();
  void chooseFigure();
  void chooseValues();
  std::vector<const RunRecord*> shownRuns() const;
  const RunRecord* shownRun() const;  ///< the selected one
  bool isShown(const Chart& chart) const;

  Selection* selection_;
  const RunStore* runs_;
  StepCursor* cursor_;
  MessageBar* messages_;
  RunCurvesTools* tools_;
  QStackedWidget* pages_;
  QGridLayout* grid_;
  QTableView* table_view_;
  RunTableModel* table_;
  std::vector<Chart> charts_;
  RunPlacement placement_;
  QStringList beside_;
  QStringList drawn_;  ///< what the curves are made of; another list makes new ones
  std::size_t marked_lines_ = 0;
  bool linking_ = false;
  bool has_reference_ = true;
};

}  // namespace widgets
