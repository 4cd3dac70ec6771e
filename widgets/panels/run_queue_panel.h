// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QCheckBox;
class QLabel;
class QToolButton;
class QTreeView;

namespace widgets {

class EmptyState;
class RunQueue;
class Selection;

/// The runs that wait for a device: their order is changed by dragging or with Alt and the arrow
/// keys.
class RunQueuePanel : public QWidget {
  Q_OBJECT

 public:
  /// Both outlive this.
  RunQueuePanel(Selection* selection, RunQueue* queue, QWidget* parent = nullptr);

  QTreeView* list() const { return list_; }

 Q_SIGNALS:
  void removeRequested(const QString& folder);
  void startRequested(const QString& folder);  ///< out of turn

 private:
  QString current() const;
  void moveBy(int rows);
  void refresh();

  Selection* selection_;
  RunQueue* queue_;
  QTreeView* list_;
  QToolButton* hold_;
  QToolButton* start_;
  QToolButton* remove_;
  QCheckBox* continue_;
  QLabel* note_;
  EmptyState* empty_;
};

}  // namespace widgets
