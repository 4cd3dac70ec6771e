// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/custom_plot.h"

#include <functional>

namespace widgets {

/// Whole steps only, and 71k instead of 71000.
class StepTicker : public QCPAxisTicker {
 protected:
  double getTickStep(const QCPRange& range) override;
  QString getTickLabel(double tick, const QLocale& locale, QChar format, int precision) override;
};

/// Ticks in words of the caller's.
class WordedTicker : public QCPAxisTicker {
 public:
  explicit WordedTicker(std::function<QString(double)> text) : text_(std::move(text)) {}

 protected:
  QString getTickLabel(double tick, const QLocale& locale, QChar format, int precision) override;

 private:
  std::function<QString(double)> text_;
};

}  // namespace widgets
