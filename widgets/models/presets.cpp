// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/presets.h"

#include "widgets/models/histogram_data.h"
#include "widgets/style/number_text.h"

#include <QDir>
#include <QFile>
#include <QObject>
#include <QSet>

#include <sstream>

namespace widgets {
namespace {

/// The comment that the text begins with, as one paragraph for each block of lines.
QString leading_comment(const std::string& text) {
  std::istringstream stream(text);
  QString comment;
  bool new_paragraph = false;
  for (std::string line; std::getline(stream, line);) {
    const QString one = QString::fromStdString(line).trimmed();
    if (!one.startsWith(QLatin1Char('#'))) break;
    const QString words = one.mid(1).trimmed();
    if (words.isEmpty()) {
      new_paragraph = !comment.isEmpty();
      continue;
    }
    if (!comment.isEmpty()) comment += QLatin1Char(new_paragraph ? '\n' : ' ');
    new_paragraph = false;
    comment += words;
  }
  return comment;
}

}  // namespace

std::vector<Preset> read_presets(const QString& folder) {
  std::vector<Preset> presets;
  const QDir place(folder);
  for (const auto& name : place.entryList({QStringLiteral("*.yaml"), QStringLiteral("*.yml")},
                                          QDir::Files | QDir::Readable, QDir::Name)) {
    QFile file(place.absoluteFilePath(name));
    if (!file.open(QIODevice::ReadOnly)) continue;
    Preset preset;
    preset.file = file.fileName();
    preset.text = file.readAll().toStdString();
    QString words = QFileInfo(name).completeBaseName();
    preset.name = words.replace(QLatin1Char('_'), QLatin1Char(' '));
    preset.description = leading_comment(preset.text);
    presets.push_back(std::move(preset));
  }
  return presets;
}

QString effect_text(const PlanView& view) {
  for (const auto& problem : view.problems) {
    if (problem.severity != engine::Severity::error) continue;
    return QObject::tr("does not fit this model: %1").arg(QString::fromStdString(problem.message));
  }
  if (!view.has_plan()) return QObject::tr("open a checkpoint to see what it does");
  const HistogramData data = planned_histogram(view);
  int transformed = 0;
  double flops = 0;
  QSet<QString> paradigms;
  for (const auto& bar : data.bars) {
    if (bar.untransformed || bar.count() == 0) continue;
    transformed += bar.count();
    flops += bar.flop_share.value_or(0);
    paradigms.insert(bar.detail);
  }
  if (transformed == 0) return QObject::tr("transforms nothing of this model");
  QStringList names(paradigms.begin(), paradigms.end());
  names.sort();
  return QObject::tr("transforms %1 of %2 layers, %3 of the FLOPs · %4")
      .arg(transformed)
      .arg(data.total())
      .arg(percent(flops), names.join(QStringLiteral(", ")));
}

}  // namespace widgets
