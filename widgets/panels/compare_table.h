// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_view.h"
#include "widgets/models/run_notes.h"

#include <QTreeView>

#include <vector>

class QMenu;

namespace widgets {

class ComparisonFilter;
class ComparisonModel;

/// The runs that can be compared: ticked ones are in the charts. Its menu pins, tags and annotates
/// the selected runs, groups rows, and copies the table.
class CompareTable : public QTreeView {
  Q_OBJECT

 public:
  explicit CompareTable(RunNotesPtr notes, QWidget* parent = nullptr);

  ComparisonModel* runs() const { return model_; }
  ComparisonFilter* filter() const { return filter_; }
  void setView(const ComparisonViewPtr& view);
  void setFilterText(const QString& text);
  void setGrouping(const QString& by);
  void chooseRun(int run);
  /// What the context menu offers for the selected runs.
  void fillMenu(QMenu* menu);
  /// Header and rows as they stand, cells separated by tabs, or as Markdown.
  QString tableText(bool as_markdown) const;

 Q_SIGNALS:
  void runChosen(const QString& folder);  ///< of a run folder
  void baselineChosen(const QString& key);
  void filterApplied(const QString& found, bool is_problem);
  void groupingChanged(const QString& by);

 protected:
  void changeEvent(QEvent* event) override;
  void commitData(QWidget* editor) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  std::vector<int> selectedRuns() const;
  void setPinned(const std::vector<int>& runs, bool pinned);
  void addGroupings(QMenu* menu);
  void editNote(int column);
  void tellFilter();
  void layOutColumns();
  void hideUnusedColumns();

  RunNotesPtr notes_;
  ComparisonModel* model_;
  ComparisonFilter* filter_;
  QString filter_text_;
};

}  // namespace widgets
