// SPDX-License-Identifier: GPL-3.0-or-later
// What a RunCurvesView hands out as files.
#include "engine/error.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_folder.h"
#include "widgets/models/selection.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/run_curves_view.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/plot_export.h"

#include <QApplication>
#include <QFileDialog>
#include <QPointer>
#include <QStackedWidget>
#include <QThreadPool>

#include <memory>

namespace widgets {

QString RunCurvesView::exportFigure(const QString& file) const {
  std::vector<std::unique_ptr<CurvePlot>> copies;
  std::vector<FigurePart> parts;
  const QWidget* page = pages_->widget(0);
  for (const auto& chart : charts_) {
    if (!isShown(chart)) continue;
    const QRect place = chart.plot->geometry();
    copies.push_back(chart.plot->printable(place.size()));
    parts.push_back(
        {copies.back()->plot(), place.left(), place.top(), place.width(), place.height()});
  }
  return export_figure(file, parts, page->size());
}

void RunCurvesView::chooseFigure() {
  const auto* run = shownRun();
  if (run == nullptr) return;
  const QString file = QFileDialog::getSaveFileName(this, tr("Export the figure"),
                                                    run->name + QStringLiteral(".svg"),
                                                    tr("Figures (*.svg *.pdf *.png)"));
  if (file.isEmpty()) return;
  const QString wrong = exportFigure(file);
  if (wrong.isEmpty()) {
    messages_->showMessage(engine::Severity::note, tr("The figure is in %1.").arg(file));
  } else {
    messages_->showMessage(engine::Severity::error, wrong);
  }
}

void RunCurvesView::exportValues(const QString& file) {
  const QString folder = selection_->run();
  QThreadPool::globalInstance()->start([view = QPointer<RunCurvesView>(this), folder, file] {
    QString wrong;
    try {
      engine::replace_file(file.toStdString(), engine::export_csv(folder.toStdString()));
    } catch (const engine::Error& error) {
      wrong = QString::fromStdString(error.problems().front().message);
    }
    QMetaObject::invokeMethod(
        qApp,
        [view, file, wrong] {
          if (view == nullptr) return;
          if (wrong.isEmpty()) {
            view->messages_->showMessage(engine::Severity::note,
                                         tr("All values are in %1.").arg(file));
          } else {
            view->messages_->showMessage(engine::Severity::error, tr("%1: %2").arg(file, wrong));
          }
        },
        Qt::QueuedConnection);
  });
}

void RunCurvesView::chooseValues() {
  const auto* run = shownRun();
  if (run == nullptr) return;
  const QString file = QFileDialog::getSaveFileName(
      this, tr("Export all values"), run->name + QStringLiteral(".csv"), tr("CSV files (*.csv)"));
  if (!file.isEmpty()) exportValues(file);
}

}  // namespace widgets
