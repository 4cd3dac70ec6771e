// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_log_filter.h"

#include "widgets/models/run_log_model.h"

#include <algorithm>

namespace widgets {

void RunLogFilter::setShow(Show show) {
  show_ = show;
  invalidateFilter();
}

void RunLogFilter::setWords(const QString& words) {
  words_ = words.split(QLatin1Char(' '), Qt::SkipEmptyParts);
  invalidateFilter();
}

bool RunLogFilter::filterAcceptsRow(int row, const QModelIndex&) const {
  const LogLine& line = static_cast<const RunLogModel*>(sourceModel())->line(row);
  const bool is_error = line.level == QLatin1String("error");
  const bool is_warning = line.level == QLatin1String("warning");
  switch (show_) {
    case Show::everything:
      break;
    case Show::warnings:
      if (!is_warning && !is_error) return false;
      break;
    case Show::errors:
      if (!is_error) return false;
      break;
    case Show::events:
      if (line.kind == LogKind::note) return false;
      break;
  }
  return std::all_of(words_.begin(), words_.end(), [&line](const QString& word) {
    return line.text.contains(word, Qt::CaseInsensitive);
  });
}

}  // namespace widgets
