// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/status_chips.h"

#include "app/workbench/engine_loader.h"
#include "widgets/models/problems_model.h"
#include "widgets/models/run_list_model.h"
#include "widgets/models/run_store.h"
#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"

#include <QCoreApplication>
#include <QToolButton>

#include <algorithm>

namespace app {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("StatusChips", text); }

}  // namespace

void show_engine(QToolButton* chip, QToolButton* device, const EngineLoader& loader) {
  QString text;
  QString tip;
  switch (loader.state()) {
    case EngineLoader::State::waiting:
    case EngineLoader::State::loading:
      text = tr("engine: loading");
      tip = tr("Everything but training works meanwhile");
      break;
    case EngineLoader::State::ready:
      text = tr("engine: ready");
      tip = tr("LibTorch %1").arg(QString::fromStdString(loader.devices()->torch_version));
      break;
    case EngineLoader::State::unavailable:
      text = tr("engine: unavailable");
      tip = QString::fromStdString(engine::to_string(loader.problem()));
      chip->setIcon(widgets::symbol_icon(QStringLiteral("error"), widgets::SymbolColor::error));
      break;
  }
  chip->setText(text);
  chip->setToolTip(tip);
  chip->setAccessibleName(text);
  const auto& report = loader.devices();
  device->setVisible(report.has_value());
  if (!report) return;
  QString name = QString::fromStdString(report->automatic);
  QStringList all;
  for (const auto& one : report->devices) {
    all << tr("%1: %2").arg(QString::fromStdString(one.id), QString::fromStdString(one.name));
    if (one.total_memory > 0) {
      all.last() += tr(", %1 free of %2")
                        .arg(widgets::bytes_text(static_cast<double>(one.free_memory)),
                             widgets::bytes_text(static_cast<double>(one.total_memory)));
    }
  }
  if (!report->cuda_problem.empty()) {
    all << QString::fromStdString(report->cuda_problem);
    device->setIcon(widgets::symbol_icon(QStringLiteral("warning"), widgets::SymbolColor::warning));
  }
  device->setText(tr("device: %1").arg(name));
  device->setToolTip(all.join(QLatin1Char('\n')));
  device->setAccessibleName(device->text());
}

const widgets::RunRecord* run_in_progress(const widgets::RunStore& runs) {
  const widgets::RunRecord* found = nullptr;
  for (const auto& run : runs.runs()) {
    if (!run->is_live()) continue;
    if (found == nullptr || (run->in_window && !found->in_window)) found = run.get();
  }
  return found;
}

void show_run(QToolButton* chip, const widgets::RunStore& runs) {
  const widgets::RunRecord* shown = run_in_progress(runs);
  const auto live = std::count_if(runs.runs().begin(), runs.runs().end(),
                                  [](const auto& run) { return run->is_live(); });
  QString text = tr("no run in progress");
  if (shown != nullptr) {
    text = shown->max_steps > 0
               ? tr("%1: %2, %3 of %4")
                     .arg(shown->name, widgets::state_text(shown->state),
                          widgets::grouped(shown->step), widgets::grouped(shown->max_steps))
               : tr("%1: %2").arg(shown->name, widgets::state_text(shown->state));
    if (live > 1) text += tr(" and %1 more").arg(live - 1);
  }
  chip->setText(text);
  chip->setToolTip(tr("Show the run"));
  chip->setAccessibleName(text);
}

void show_problem_count(QToolButton* chip, const widgets::ProblemsModel& problems) {
  const int errors = problems.count(engine::Severity::error);
  const int warnings = problems.count(engine::Severity::warning);
  QString text = tr("no problems");
  QIcon icon;
  if (errors > 0) {
    icon = widgets::symbol_icon(QStringLiteral("error"), widgets::SymbolColor::error);
  } else if (warnings > 0) {
    icon = widgets::symbol_icon(QStringLiteral("warning"), widgets::SymbolColor::warning);
  }
  const int all = problems.rowCount();
  if (all == 1) text = tr("1 problem");
  if (all > 1) text = tr("%1 problems").arg(all);
  chip->setIcon(icon);
  chip->setText(text);
  chip->setToolTip(tr("%1 errors, %2 warnings, %3 notes")
                       .arg(errors)
                       .arg(warnings)
                       .arg(all - errors - warnings));
  chip->setAccessibleName(text);
}

}  // namespace app
