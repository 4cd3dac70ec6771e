// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_view.h"
#include "widgets/models/run_notes.h"

#include <QString>
#include <QStringList>
#include <QWidget>

#include <set>

class QTabWidget;

namespace widgets {

class CompareCurves;
class CompareEffects;
class CompareLayers;
class CompareTable;
class CompareTools;
class CompareTradeOff;
class ComparisonDetails;
class ComparisonModel;
class CurvePlot;
class DifferencePlot;
class EmptyState;
class MessageBar;
class Selection;

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
  void setCharts(const ComparisonViewPtr& view);
  /// Where notes and choices are kept; outlives this.
  void setStore(QSettings* settings);

  /// What the user has chosen. `baseline` indexes nothing: it is baselines() that say the run.
  engine::ComparisonOptions options() const;
  /// Metrics that have a chart besides the main one.
  std::vector<std::string> beside() const;
  /// Keys of the runs that were chosen, the last chosen first.
  QStringList baselines() const { return notes_->baselines(); }
  void setBaseline(const QString& key);
  const std::set<QString>& shownRuns() const;
  void setShown(const std::set<QString>& keys);
  /// Somebody answers replicasRequested(): there is a button for it.
  void setCanQueue(bool can);
  /// What the trade-off has as its cost.
  QString cost() const;

  MessageBar* messages() const { return messages_; }
  RunNotes* notes() { return notes_.get(); }
  CompareTable* table() const { return table_; }
  ComparisonModel* model() const;
  CurvePlot* curves() const;
  DifferencePlot* differences() const;
  ComparisonDetails* details() const { return details_; }
  CompareEffects* effects() const { return effects_; }
  QTabWidget* tabs() const { return tabs_; }

 Q_SIGNALS:
  void optionsChanged();
  void addRequested();
  void exportRequested();
  void replicasRequested(const std::vector<engine::ParamValues>& runs);

 private:
  QWidget* makeDifferences();
  void connectParts(Selection* selection);
  void showEffects();
  void showTab();

  /// Pages that do not show the newest view.
  struct Stale {
    bool details = false;
    bool layers = false;
    bool trade_off = false;
  };

  /// Shared with the parts, which ask for notes until they are gone: later than members of this.
  const RunNotesPtr notes_ = std::make_shared<RunNotes>();
  MessageBar* messages_;
  CompareTools* tools_;
  CompareTable* table_;
  QTabWidget* tabs_;
  CompareCurves* curves_;
  ComparisonDetails* details_;
  CompareEffects* effects_;
  CompareLayers* layers_;
  CompareTradeOff* trade_off_;
  EmptyState* empty_;
  ComparisonViewPtr table_view_;
  ComparisonViewPtr charts_;
  Stale stale_;
};

}  // namespace widgets
