// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_monitor_panel.h"

#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/run_curves_view.h"
#include "widgets/panels/run_header.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"

#include <QVBoxLayout>

namespace widgets {
CurvePlot* RunMonitorPanel::plot() const { return curves_->plot(); }

RunMonitorPanel::RunMonitorPanel(Selection* selection, const RunStore* runs, RunControls* controls,
                                 QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      runs_(runs),
      messages_(new MessageBar(this)),
      curves_(new RunCurvesView(selection, runs, selection->cursor(), messages_)) {
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);

  column->addWidget(new RunHeader(selection, runs, controls));
  column->addWidget(curves_, 1);

  empty_ = new EmptyState(content, tr("Select a run; a live one follows by itself."));
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->setSpacing(0);
  outer->addWidget(messages_);
  outer->addWidget(empty_, 1);

  connect(selection_, &Selection::runChanged, this, &RunMonitorPanel::showRun);
  connect(runs_, &RunStore::runsChanged, this, [this](const QStringList& folders) {
    if (folders.contains(selection_->run())) refresh();
  });
}

void RunMonitorPanel::showRun() {
  messages_->dismiss();
  reported_failure_.clear();
  empty_->setEmpty(runs_->find(selection_->run()) == nullptr);
  const RunRecord* run = runs_->find(selection_->run());
  reported_lines_ = run != nullptr && !run->is_live() ? run->log.size() : 0;
  curves_->refresh();
  refresh();
}

void RunMonitorPanel::reportDivergence(const RunRecord& run) {
  if (reported_lines_ > run.log.size()) reported_lines_ = 0;  // a resume took lines back
  const LogLine* found = nullptr;
  for (; reported_lines_ < run.log.size(); ++reported_lines_) {
    const auto& line = run.log[reported_lines_];
    if (line.kind == LogKind::divergence) found = &line;
  }
  if (found == nullptr) return;
  messages_->showMessage(engine::Severity::warning,
                         tr("Step %1: %2").arg(grouped(found->step), found->text));
  messages_->offer(
      QStringLiteral("monitor.go_to_step"), tr("Show the step"),
      [this, step = static_cast<double>(found->step)] { selection_->cursor()->jumpTo(step); });
  if (found->layer.isEmpty()) return;
  messages_->offer(QStringLiteral("monitor.go_to_layer"), tr("Show the layer"),
                   [this, layer = found->layer] {
                     selection_->setLayers({layer});
                     Q_EMIT layerRequested(layer);
                   });
}

void RunMonitorPanel::refresh() {
  const RunRecord* run = runs_->find(selection_->run());
  if (run == nullptr) return;
  reportDivergence(*run);
  if (!run->failure.isEmpty() && run->failure != reported_failure_ &&
      run->state == engine::RunState::failed) {
    reported_failure_ = run->failure;
    const QString saved = run->checkpoints.empty()
                              ? tr("No checkpoint was saved.")
                              : tr("The last checkpoint is %1.").arg(run->checkpoints.back().path);
    messages_->showMessage(engine::Severity::error,
                           tr("The run failed at step %1: %2").arg(run->step).arg(run->failure),
                           saved);
  }
}

}  // namespace widgets
