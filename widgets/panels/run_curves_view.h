// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/axis_series.h"
#include "widgets/models/run_store.h"

#include <QStringList>
#include <QWidget>

#include <map>
#include <utility>
#include <vector>

class QComboBox;
class QGridLayout;
class QMenu;
class QSpinBox;
class QStackedWidget;
class QTableView;
class QToolButton;

namespace widgets {

class CurvePlot;
class MessageBar;
class RunTableModel;
class Selection;
class StepCursor;

/// What the selected run logs, as curves over one axis: loss with its evaluations, gradient norm,
/// learning rate, speed and memory, all at once or one of them large; other runs beside it, if
/// asked for. Or the same numbers as a table.
class RunCurvesView : public QWidget {
  Q_OBJECT

 public:
  enum class Axis { step, tokens, time };

  RunCurvesView(Selection* selection, const RunStore* runs, StepCursor* cursor,
                MessageBar* messages, QWidget* parent = nullptr);

  /// The large one: the chosen metric's, or that of the loss.
  CurvePlot* plot() const;
  CurvePlot* plot(Metric metric) const;
  /// Other runs that are drawn too, by folder.
  void setBeside(const QStringList& folders);
  const QStringList& beside() const { return beside_; }
  void setAxis(Axis axis);
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

  void makeTools();
  void makeChart(Metric metric);
  void arrange();
  void showCurves();
  void showMarks(const RunRecord& run);
  void fillBesideMenu();
  void chooseFigure();
  void chooseValues();
  std::vector<const RunRecord*> shownRuns() const;
  const engine::RunSeries* placed(const RunRecord& run, Metric metric);
  double placeOf(double step) const;  ///< on the chosen axis, of the selected run
  double stepAt(double x) const;
  QString placeText(double x) const;
  QString axisTitle() const;
  bool isShown(const Chart& chart) const;

  Selection* selection_;
  const RunStore* runs_;
  StepCursor* cursor_;
  MessageBar* messages_;
  QComboBox* metric_;
  QComboBox* axis_choice_;
  QSpinBox* half_life_;
  QToolButton* raw_;
  QToolButton* logarithmic_;
  QToolButton* follow_;
  QToolButton* more_;
  QMenu* beside_menu_ = nullptr;
  QAction* show_table_ = nullptr;
  QStackedWidget* pages_;
  QGridLayout* grid_;
  QTableView* table_view_;
  RunTableModel* table_;
  std::vector<Chart> charts_;
  std::map<std::pair<QString, Metric>, AxisSeries> placed_;
  QStringList beside_;
  QStringList drawn_;  ///< what the curves are made of; another list makes new ones
  Axis axis_ = Axis::step;
  std::size_t marked_lines_ = 0;
  bool half_life_chosen_ = false;
  bool linking_ = false;
  bool has_reference_ = true;
};

}  // namespace widgets
