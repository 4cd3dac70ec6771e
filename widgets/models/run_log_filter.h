// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSortFilterProxyModel>
#include <QString>

namespace widgets {

/// The lines of a log that are asked for: by level or what happened, and by words in them.
class RunLogFilter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  enum class Show { everything, warnings, errors, events };

  using QSortFilterProxyModel::QSortFilterProxyModel;

  void setShow(Show show);
  /// Lines that hold all of these words, in any order and case.
  void setWords(const QString& words);

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  Show show_ = Show::everything;
  QStringList words_;
};

}  // namespace widgets
