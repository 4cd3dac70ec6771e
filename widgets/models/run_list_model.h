// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_store.h"

#include <QAbstractTableModel>
#include <QColor>
#include <QPalette>

namespace widgets {

QString state_text(engine::RunState state);
/// Good, warning, error; the text's own for a run that has not begun or was stopped.
QColor state_color(engine::RunState state, const QPalette& palette);
/// State with what it needs to be believed: "running, step 40 of 200", "interrupted at 412", "no
/// sign for 4 min".
QString state_sentence(const RunRecord& run);

/// The runs of a store, newest last added first.
class RunListModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kName, kState, kStep, kLastLoss, kBestLoss, kStarted, kColumns };
  enum Role { kFolderRole = Qt::UserRole + 1 };

  explicit RunListModel(RunStore* store, QObject* parent = nullptr);

  QModelIndex indexOf(const QString& folder) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  const RunRecord& run(int row) const;

  RunStore* store_;
  int rows_ = 0;
};

}  // namespace widgets
