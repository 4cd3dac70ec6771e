// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/axis_tickers.h"

#include "widgets/style/number_text.h"

#include <cmath>

namespace widgets {

double StepTicker::getTickStep(const QCPRange& range) {
  const double step = QCPAxisTicker::getTickStep(range);
  return step < 10 ? std::ceil(step) : step;
}

QString StepTicker::getTickLabel(double tick, const QLocale& locale, QChar, int) {
  if (std::abs(tick) < 10000) return locale.toString(tick, 'g', 6);
  return short_count(tick);
}

QString WordedTicker::getTickLabel(double tick, const QLocale&, QChar, int) { return text_(tick); }

}  // namespace widgets
