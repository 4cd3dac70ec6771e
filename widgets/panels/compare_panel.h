// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/run_statistic.h"
#include "widgets/models/comparison_view.h"

#include <QSet>
#include <QString>
#include <QStringList>
#include <QWidget>

#include <set>

class QComboBox;
class QLabel;
class QLineEdit;
class QSplitter;
class QTabWidget;
class QToolButton;
class QTreeView;

namespace widgets {

class ComparisonDetails;
class ComparisonFilter;
class ComparisonModel;
class CurvePlot;
class DifferencePlot;
struct Curve;
struct DifferenceCurve;
class EmptyState;
class LayerDifferencePlot;
class LayerHeatPlot;
class MessageBar;
class Selection;
class TradeOffPlot;

/// Runs side by side: a table of all, and of those that are ticked the curves, the differences to
/// the baseline, verdicts and configurations, layers, and a trade-off. It computes nothing itself:
/// it asks for views by optionsChanged() and is given them.
class ComparePanel : public QWidget {
  Q_OBJECT

 public:
  explicit ComparePanel(Selection* selection, QWidget* parent = nullptr);

  /// The table's view of all runs, and the metrics that can be chosen.
  void setTable(const ComparisonViewPtr& view, const QStringList& metrics);
  /// The charts' view of the ticked runs; null clears them.
  void setCharts(ComparisonViewPtr view);

  /// What the user has chosen. `baseline` indexes nothing: it is baselineKey() that says the run.
  engine::ComparisonOptions options() const;
  QString baselineKey() const { return baseline_; }
  void setBaseline(const QString& key);
  const std::set<QString>& shownRuns() const;
  void setShown(const std::set<QString>& keys);

  MessageBar* messages() const { return messages_; }
  ComparisonModel* model() const { return model_; }
  CurvePlot* curves() const { return curves_; }
  DifferencePlot* differences() const { return differences_; }
  ComparisonDetails* details() const { return details_; }
  QTabWidget* tabs() const { return tabs_; }

 Q_SIGNALS:
  void optionsChanged();
  void addRequested();
  void exportRequested();

 protected:
  void changeEvent(QEvent* event) override;

 private:
  QWidget* makeTools();
  QWidget* makeCurves();
  QWidget* makeLayers();
  QWidget* makeTradeOff();
  QTreeView* makeTable();
  void showCurves();
  bool isGrouped() const;
  std::vector<Curve> curvesShown() const;
  std::vector<DifferenceCurve> differencesShown() const;
  void fillLayerChoices();
  void showVerdict();
  void showLayers();
  void showTradeOff();
  void showContextMenu(const QPoint& position);

  Selection* selection_ = nullptr;
  MessageBar* messages_ = nullptr;
  EmptyState* empty_ = nullptr;
  ComparisonModel* model_ = nullptr;
  ComparisonFilter* filter_ = nullptr;
  QTreeView* table_ = nullptr;
  QLineEdit* filter_text_ = nullptr;
  QComboBox* metric_ = nullptr;
  QComboBox* statistic_ = nullptr;
  QComboBox* axis_ = nullptr;
  QToolButton* grouped_ = nullptr;
  QTabWidget* tabs_ = nullptr;
  CurvePlot* curves_ = nullptr;
  DifferencePlot* differences_ = nullptr;
  QLabel* verdict_ = nullptr;
  ComparisonDetails* details_ = nullptr;
  QComboBox* layer_base_ = nullptr;
  QComboBox* layer_run_ = nullptr;
  QComboBox* layer_statistic_ = nullptr;
  QSplitter* layer_plots_ = nullptr;
  LayerDifferencePlot* layers_ = nullptr;
  LayerHeatPlot* heat_ = nullptr;
  QLabel* layers_note_ = nullptr;
  QLineEdit* cost_ = nullptr;
  QToolButton* cost_log_ = nullptr;
  TradeOffPlot* trade_off_ = nullptr;
  QLabel* trade_off_note_ = nullptr;
  ComparisonViewPtr charts_;
  QStringList drawn_;  ///< what tells the curves that are drawn from others
  QString baseline_;
};

}  // namespace widgets
