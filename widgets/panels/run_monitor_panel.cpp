// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_monitor_panel.h"

#include "widgets/models/run_list_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/run_curves_view.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

QString requested_text(const RunRecord& run) {
  const double age =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - run.requested_at).count();
  return QObject::tr("%1 requested %2 s ago")
      .arg(QString::fromLatin1(engine::to_string(run.requested)))
      .arg(age, 0, 'f', 1);
}

/// Remaining seconds from the speed of the last points, or NaN.
double remaining_seconds(const RunRecord& run) {
  const auto speed = run.curve(Metric::tokens_per_second).y();
  if (!run.started || run.started->tokens_per_step <= 0 || speed.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::vector<double> last(
      speed.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(speed.size(), 15)),
      speed.end());
  std::nth_element(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(last.size() / 2),
                   last.end());
  const double median = last[last.size() / 2];
  if (!(median > 0) || run.max_steps <= run.step) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>((run.max_steps - run.step) * run.started->tokens_per_step) / median;
}

}  // namespace

CurvePlot* RunMonitorPanel::plot() const { return curves_->plot(); }

RunMonitorPanel::RunMonitorPanel(Selection* selection, const RunStore* runs, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      runs_(runs),
      messages_(new MessageBar(this)),
      name_(new QLabel),
      state_(new QLabel),
      facts_(new QLabel),
      checkpoint_(new QPushButton),
      stop_(new QPushButton),
      resume_(new QPushButton),
      curves_(new RunCurvesView(selection, runs, selection->cursor(), messages_)) {
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);

  auto* head = new QHBoxLayout;
  head->setContentsMargins(lines(this, 0.5), lines(this, 0.35), lines(this, 0.4), 0);
  QFont bold = font();
  bold.setBold(true);
  name_->setFont(bold);
  name_->setObjectName(QStringLiteral("monitor.name"));
  state_->setObjectName(QStringLiteral("monitor.state"));
  facts_->setObjectName(QStringLiteral("monitor.facts"));
  facts_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  head->addWidget(name_);
  head->addSpacing(lines(this, 0.4));
  head->addWidget(state_);
  head->addStretch(1);
  checkpoint_->setText(tr("Check&point now"));
  checkpoint_->setIcon(symbol_icon(QStringLiteral("save")));
  checkpoint_->setObjectName(QStringLiteral("monitor.checkpoint"));
  checkpoint_->setToolTip(tr("Save a checkpoint after the current step and go on"));
  checkpoint_->setAccessibleName(tr("Checkpoint now"));
  head->addWidget(checkpoint_);
  stop_->setText(tr("&Stop"));
  stop_->setIcon(symbol_icon(QStringLiteral("stop")));
  stop_->setObjectName(QStringLiteral("monitor.stop"));
  stop_->setToolTip(tr("Stop after the current step, with a checkpoint (Ctrl+.)"));
  stop_->setAccessibleName(tr("Stop the run"));
  head->addWidget(stop_);
  resume_->setText(tr("R&esume"));
  resume_->setIcon(symbol_icon(QStringLiteral("run")));
  resume_->setObjectName(QStringLiteral("monitor.resume"));
  resume_->setAccessibleName(tr("Resume the run"));
  head->addWidget(resume_);
  column->addLayout(head);
  facts_->setContentsMargins(lines(this, 0.5), 0, lines(this, 0.5), 0);
  column->addWidget(facts_);

  column->addWidget(curves_, 1);

  empty_ = new EmptyState(content, tr("Select a run; a live one follows by itself."));
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->setSpacing(0);
  outer->addWidget(messages_);
  outer->addWidget(empty_, 1);

  connect(stop_, &QPushButton::clicked, this,
          [this] { Q_EMIT requested(selection_->run(), engine::RunRequest::stop); });
  connect(resume_, &QPushButton::clicked, this,
          [this] { Q_EMIT resumeRequested(selection_->run()); });
  connect(checkpoint_, &QPushButton::clicked, this,
          [this] { Q_EMIT requested(selection_->run(), engine::RunRequest::checkpoint); });
  connect(selection_, &Selection::runChanged, this, &RunMonitorPanel::showRun);
  connect(runs_, &RunStore::runsChanged, this, [this](const QStringList& folders) {
    if (folders.contains(selection_->run())) refresh();
  });
  clock_.setInterval(200);
  connect(&clock_, &QTimer::timeout, this, &RunMonitorPanel::refreshHeader);
}

void RunMonitorPanel::setResumeBlocked(const QString& reason) {
  resume_blocked_ = reason;
  refreshHeader();
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
  refreshHeader();
}

void RunMonitorPanel::refreshHeader() {
  const RunRecord* run = runs_->find(selection_->run());
  if (run == nullptr) return;
  const auto& colors = theme_colors(palette());
  name_->setText(name_->fontMetrics().elidedText(run->name, Qt::ElideMiddle, characters(this, 56)));
  name_->setToolTip(run->folder);
  const bool asks = run->requested != engine::RunRequest::none;
  QPalette shades = palette();
  QColor ink = shades.color(QPalette::WindowText);
  switch (run->state) {
    case engine::RunState::running:
    case engine::RunState::finished:
      ink = colors.good;
      break;
    case engine::RunState::failed:
    case engine::RunState::interrupted:
      ink = colors.error;
      break;
    case engine::RunState::paused:
    case engine::RunState::stopping:
    case engine::RunState::unknown:
      ink = colors.warning;
      break;
    default:
      break;
  }
  shades.setColor(QPalette::WindowText, ink);
  state_->setPalette(shades);
  QString state =
      run->state == engine::RunState::failed ? state_text(run->state) : state_sentence(*run);
  state_->setText(state);
  state_->setToolTip(state_sentence(*run));

  QStringList facts;
  if (run->max_steps > 0) {
    facts << tr("step %1 of %2").arg(grouped(run->step), grouped(run->max_steps));
  }
  if (run->last_loss) facts << tr("loss %1").arg(loss_text(*run->last_loss));
  const auto speed = run->curve(Metric::tokens_per_second).y();
  if (!speed.empty() && run->is_live()) facts << tr("%1 tokens/s").arg(short_count(speed.back()));
  if (run->is_live() && std::isfinite(remaining_seconds(*run))) {
    facts << tr("%1 left").arg(duration_text(remaining_seconds(*run)));
  }
  if (asks) facts << requested_text(*run);
  facts_->setText(facts.join(QStringLiteral(" · ")));
  QPalette quiet = palette();
  quiet.setColor(QPalette::WindowText, muted_text(palette()));
  facts_->setPalette(quiet);
  facts_->setToolTip(facts_->text());

  const bool live = run->is_live();
  const bool stops = run->requested == engine::RunRequest::stop;
  const bool is_unfinished = run->state == engine::RunState::stopped ||
                             run->state == engine::RunState::interrupted ||
                             run->state == engine::RunState::failed;
  resume_->setVisible(is_unfinished && !run->checkpoints.empty());
  resume_->setEnabled(resume_blocked_.isEmpty());
  resume_->setToolTip(resume_blocked_.isEmpty()
                          ? tr("Go on behind the last checkpoint, with the run's own settings")
                          : resume_blocked_);
  stop_->setVisible(live);
  checkpoint_->setVisible(live);
  stop_->setEnabled(live && !stops && run->state != engine::RunState::stopping);
  checkpoint_->setEnabled(live && !asks && run->state == engine::RunState::running);
  stop_->setText(stops || run->state == engine::RunState::stopping ? tr("Stopping…") : tr("&Stop"));
  if (asks && !clock_.isActive()) clock_.start();
  if (!asks) clock_.stop();
}

void RunMonitorPanel::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && runs_ != nullptr) refreshHeader();
}

}  // namespace widgets
