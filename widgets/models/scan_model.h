// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/trial/transform_trial.h"
#include "widgets/models/layer_measure.h"

#include <QAbstractTableModel>
#include <QString>
#include <QStringList>

#include <vector>

namespace widgets {

/// Layers and kinds of a sensitivity scan with what they cost, as they are measured.
class ScanModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kName, kAlone, kKept, kError, kFlops, kColumns };
  enum Role {
    kSortRole = Qt::UserRole,  ///< what to sort by: the most fragile is the largest
    kLayersRole,               ///< QStringList
    kIsDistinctRole            ///< bool: false where noise could explain the number
  };

  using QAbstractTableModel::QAbstractTableModel;

  void clear();
  /// A new entry, or new numbers of one that is there.
  void take(const engine::ScanEntry& entry);
  void setEntries(std::vector<engine::ScanEntry> entries);
  const std::vector<engine::ScanEntry>& entries() const { return entries_; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  std::vector<engine::ScanEntry> entries_;
};

/// The change of the loss that single layers cause, for the tree: alone where it was measured, else
/// what keeping them digital wins.
LayerMeasure sensitivity_measure(const std::vector<engine::ScanEntry>& entries);
/// The error that each simulated layer adds, for the tree.
LayerMeasure error_measure(const std::vector<engine::LayerError>& layers);

/// "+0.1823 [+0.1710, +0.1936]", "not finite", "–" while it is not known.
QString difference_text(const engine::Estimate& difference, bool diverges = false);

}  // namespace widgets
