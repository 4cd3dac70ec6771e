// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/number_text.h"

#include <QDateTime>
#include <QLocale>
#include <QObject>
#include <QStringList>

#include <cmath>

namespace widgets {

QString grouped(std::int64_t number) { return QLocale().toString(static_cast<qlonglong>(number)); }

QString short_count(double count) {
  struct Step {
    double size;
    const char* suffix;
  };
  for (const Step step : {Step{1e12, "T"}, Step{1e9, "B"}, Step{1e6, "M"}, Step{1e3, "k"}}) {
    if (std::abs(count) < step.size * 0.9995) continue;
    const double value = count / step.size;
    return QLocale().toString(value, 'f', value < 99.95 ? 1 : 0) + QLatin1String(step.suffix);
  }
  return QLocale().toString(count, 'f', 0);
}

QString shape_text(const std::vector<std::int64_t>& shape) {
  QStringList sizes;
  for (const auto size : shape) sizes << QString::number(size);
  return sizes.join(QStringLiteral(" × "));
}

QString percent(double share) {
  if (share > 0 && share < 0.0005) return QStringLiteral("< 0.1 %");
  return QLocale().toString(share * 100, 'f', 1) + QStringLiteral(" %");
}

QString duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return QStringLiteral("–");
  const auto total = static_cast<std::int64_t>(std::llround(seconds));
  if (total < 60) return QObject::tr("%1 s").arg(total);
  if (total < 3600) return QObject::tr("%1 min %2 s").arg(total / 60).arg(total % 60);
  return QObject::tr("%1 h %2 min").arg(total / 3600).arg(total / 60 % 60);
}

namespace {

/// Of what is not finite.
QString name_of(double value) {
  if (std::isnan(value)) return QStringLiteral("NaN");
  return value > 0 ? QStringLiteral("∞") : QStringLiteral("−∞");
}

}  // namespace

QString loss_text(double loss) {
  return std::isfinite(loss) ? QLocale().toString(loss, 'f', 4) : name_of(loss);
}

QString signed_loss_text(double change) {
  if (!std::isfinite(change)) return name_of(change);
  const QString sign = change < 0 ? QStringLiteral("−") : QStringLiteral("+");
  return sign + QLocale().toString(std::abs(change), 'f', 4);
}

QString statistic_text(double value) {
  return std::isfinite(value) ? QLocale().toString(value, 'g', 4) : name_of(value);
}

QString time_text(double unix_seconds) {
  if (unix_seconds <= 0) return QStringLiteral("–");
  const auto time = QDateTime::fromMSecsSinceEpoch(static_cast<qint64>(unix_seconds * 1000));
  const QDate today = QDate::currentDate();
  if (time.date() == today) return time.toString(QStringLiteral("HH:mm:ss"));
  const bool this_year = time.date().year() == today.year();
  return QLocale().toString(
      time, this_year ? QStringLiteral("d MMM HH:mm") : QStringLiteral("d MMM yyyy"));
}

QString bytes_text(double bytes) {
  if (bytes < 1e6) return QLocale().toString(bytes / 1e3, 'f', 0) + QStringLiteral(" kB");
  if (bytes < 1e9) return QLocale().toString(bytes / 1e6, 'f', 1) + QStringLiteral(" MB");
  return QLocale().toString(bytes / 1e9, 'f', 1) + QStringLiteral(" GB");
}

}  // namespace widgets
