// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_queue_content.h"

#include <QAbstractTableModel>
#include <QString>

#include <vector>

namespace widgets {

/// The runs that wait, in order. Rows are moved by drag and drop; every change is signalled, so
/// that it can be kept. GUI thread.
class RunQueue : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kPosition, kName, kTransform, kLength, kPlace, kWaitsFor, kColumns };
  enum Role { kFolderRole = Qt::UserRole + 1 };

  using QAbstractTableModel::QAbstractTableModel;

  const std::vector<QueuedRun>& runs() const { return runs_; }
  bool isEmpty() const { return runs_.empty(); }
  const QueuedRun* find(const QString& folder) const;
  void add(QueuedRun run);
  void remove(const QString& folder);
  /// The run at `from` stands before the one that was at `to`; `to` may be the size.
  void move(int from, int to);

  /// While it is held nothing is started; `why` is empty when the user holds it.
  void hold(bool held, const QString& why = {});
  bool isHeld() const { return held_; }
  const QString& whyHeld() const { return why_held_; }
  /// Whether a run that fails leaves the rest to go on.
  void setContinuesOnError(bool goes_on);
  bool continuesOnError() const { return continues_on_error_; }
  /// The device that "auto" is on this machine. Only shown.
  void setAutomaticDevice(const QString& device);
  /// What a run waits for: "run-a". Only shown.
  void setWaitsFor(const QString& folder, const QString& what);

  /// Everything but what runs wait for.
  RunQueueContent content() const;
  void setContent(RunQueueContent content);

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;
  Qt::DropActions supportedDropActions() const override { return Qt::MoveAction; }
  QStringList mimeTypes() const override;
  QMimeData* mimeData(const QModelIndexList& indexes) const override;
  bool dropMimeData(const QMimeData* data, Qt::DropAction action, int row, int column,
                    const QModelIndex& parent) override;

 Q_SIGNALS:
  void changed();  ///< runs, their order, or how the queue goes on

 private:
  int rowOf(const QString& folder) const;

  std::vector<QueuedRun> runs_;
  std::vector<QString> waits_for_;  ///< as runs_
  QString automatic_device_;
  bool held_ = false;
  QString why_held_;
  bool continues_on_error_ = true;
};

QString place_name(LaunchPlace place);  ///< "in this window", "separate process"

}  // namespace widgets
