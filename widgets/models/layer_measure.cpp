// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_measure.h"

#include "widgets/style/number_text.h"

#include <QCoreApplication>
#include <QLocale>

#include <algorithm>
#include <cmath>

namespace widgets {

double severity(const LayerMeasure& measure, double number) {
  if (std::isnan(number)) return 1;
  if (std::isinf(number)) return (number > 0) == measure.high_is_bad ? 1 : 0;
  return std::clamp((number - measure.good) / (measure.bad - measure.good), 0.0, 1.0);
}

QString number_text(const LayerMeasure& measure, double number) {
  if (std::isnan(number)) return QStringLiteral("NaN");
  if (std::isinf(number)) {
    if (!measure.high_is_bad && number > 0)
      return QCoreApplication::translate("LayerMeasure", "exact");
    return number > 0 ? QStringLiteral("∞") : QStringLiteral("−∞");
  }
  if (measure.high_is_bad) return signed_loss_text(number);
  const QString text = QLocale().toString(number, 'f', 1);
  return measure.unit.isEmpty() ? text : text + QLatin1Char(' ') + measure.unit;
}

ShownMeasure worst_of(const LayerMeasure& measure, const std::vector<std::string>& layers) {
  ShownMeasure shown;
  for (const std::string& layer : layers) {
    const auto found = measure.values.find(layer);
    if (found == measure.values.end()) continue;
    const double number = found->second.number;
    const double bad = severity(measure, number);
    const bool is_worse =
        !shown.is_known || std::isnan(number) ||
        (!std::isnan(shown.value.number) &&
         (measure.high_is_bad ? number > shown.value.number : number < shown.value.number));
    ++shown.known;
    if (!is_worse) continue;
    shown.is_known = true;
    shown.value = found->second;
    shown.severity = bad;
    shown.layer = layer;
  }
  return shown;
}

}  // namespace widgets
