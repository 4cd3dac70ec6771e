// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_header.h"

#include "widgets/models/run_actions.h"
#include "widgets/models/run_advice.h"
#include "widgets/models/run_list_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/run_controls.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QAction>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

/// "stop requested 0.4 s ago"
QString pending_text(const RunRecord& run) {
  const double age =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - run.requested_at).count();
  return QObject::tr("%1 requested %2 s ago").arg(request_text(run.requested)).arg(age, 0, 'f', 1);
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

void set_ink(QLabel* label, const QPalette& base, const QColor& ink) {
  QPalette shades = base;
  shades.setColor(QPalette::WindowText, ink);
  label->setPalette(shades);
}

}  // namespace

RunHeader::RunHeader(Selection* selection, const RunStore* runs, RunControls* controls,
                     QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      runs_(runs),
      controls_(controls),
      name_(new QLabel(this)),
      state_(new QLabel(this)),
      request_(new QLabel(this)),
      facts_(new QLabel(this)),
      advice_(new QLabel(this)) {
  QFont bold = font();
  bold.setBold(true);
  name_->setFont(bold);
  name_->setObjectName(QStringLiteral("monitor.name"));
  state_->setObjectName(QStringLiteral("monitor.state"));
  request_->setObjectName(QStringLiteral("monitor.request"));
  facts_->setObjectName(QStringLiteral("monitor.facts"));
  facts_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  advice_->setObjectName(QStringLiteral("monitor.advice"));
  advice_->setWordWrap(true);
  advice_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  advice_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);

  pause_ = addButton(QStringLiteral("monitor.pause"), RunAction::pause);
  proceed_ = addButton(QStringLiteral("monitor.proceed"), RunAction::proceed);
  checkpoint_ = addButton(QStringLiteral("monitor.checkpoint"), RunAction::checkpoint);
  extend_ = addButton(QStringLiteral("monitor.extend"), RunAction::extend);
  further_ = addButton(QStringLiteral("monitor.further"), RunAction::further);
  stop_ = addButton(QStringLiteral("monitor.stop"), RunAction::stop);
  addMenu(stop_, {RunAction::stop, RunAction::stop_now, RunAction::kill});
  resume_ = addButton(QStringLiteral("monitor.resume"), RunAction::resume_here);
  addMenu(resume_, {RunAction::resume_here, RunAction::resume_apart});
  copy_resume_ = addButton(QStringLiteral("monitor.copy_resume"), RunAction::copy_resume);

  auto* head = new QHBoxLayout;
  head->addWidget(name_);
  head->addSpacing(lines(this, 0.4));
  head->addWidget(state_);
  head->addStretch(1);
  head->addWidget(request_);
  for (auto* button : buttons()) {
    head->addWidget(button);
  }
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(lines(this, 0.5), lines(this, 0.35), lines(this, 0.4), 0);
  column->setSpacing(lines(this, 0.1));
  column->addLayout(head);
  column->addWidget(facts_);
  column->addWidget(advice_);

  connect(selection_, &Selection::runChanged, this, &RunHeader::refresh);
  connect(runs_, &RunStore::runsChanged, this, [this](const QStringList& folders) {
    if (folders.contains(selection_->run())) refresh();
  });
  clock_.setInterval(200);
  connect(&clock_, &QTimer::timeout, this, &RunHeader::refresh);
  refresh();
}

std::array<QToolButton*, 8> RunHeader::buttons() const {
  return {pause_, proceed_, checkpoint_, extend_, stop_, further_, resume_, copy_resume_};
}

QToolButton* RunHeader::addButton(const QString& name, RunAction action) {
  auto* button = new QToolButton(this);
  button->setObjectName(name);
  button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  button->setFocusPolicy(Qt::StrongFocus);
  button->setDefaultAction(controls_->action(action));
  return button;
}

void RunHeader::addMenu(QToolButton* button, std::initializer_list<RunAction> actions) {
  auto* menu = new QMenu(button);
  menu->setToolTipsVisible(true);
  for (const RunAction action : actions) menu->addAction(controls_->action(action));
  button->setMenu(menu);
  button->setPopupMode(QToolButton::MenuButtonPopup);
}

void RunHeader::refresh() {
  const RunRecord* run = runs_->find(selection_->run());
  if (run == nullptr) {
    clock_.stop();
    // Unseen, they would still ask for their width.
    for (auto* button : buttons()) button->hide();
    return;
  }
  name_->setText(name_->fontMetrics().elidedText(run->name, Qt::ElideMiddle, characters(this, 40)));
  name_->setToolTip(run->folder);
  showState(*run);
  showFacts(*run);
  showButtons(*run);
  const QString advice = advice_on(*run);
  advice_->setText(advice);
  advice_->setVisible(!advice.isEmpty());
}

void RunHeader::showState(const RunRecord& run) {
  set_ink(state_, palette(), state_color(run.state, palette()));
  const QString sentence = state_sentence(run);
  state_->setText(run.state == engine::RunState::failed ? state_text(run.state) : sentence);
  state_->setToolTip(sentence);
  set_ink(request_, palette(), theme_colors(palette()).warning);
}

void RunHeader::showFacts(const RunRecord& run) {
  QStringList facts;
  if (run.max_steps > 0) {
    facts << tr("step %1 of %2").arg(grouped(run.step), grouped(run.max_steps));
  }
  if (run.last_loss) facts << tr("loss %1").arg(loss_text(*run.last_loss));
  const auto speed = run.curve(Metric::tokens_per_second).y();
  if (!speed.empty() && run.is_live()) facts << tr("%1 tokens/s").arg(short_count(speed.back()));
  if (run.state == engine::RunState::running && std::isfinite(remaining_seconds(run))) {
    facts << tr("%1 left").arg(duration_text(remaining_seconds(run)));
  }
  const QString where = place_text(run);
  if (!where.isEmpty()) facts << where;
  facts_->setText(facts.join(QStringLiteral(" · ")));
  set_ink(facts_, palette(), muted_text(palette()));
  facts_->setToolTip(facts_->text());
}

void RunHeader::showButtons(const RunRecord& run) {
  const bool waits = run.requested != engine::RunRequest::none;
  request_->setText(waits ? pending_text(run) : QString());
  const bool live = run.is_live();
  const bool paused = run.state == engine::RunState::paused;
  pause_->setVisible(live && !paused);
  proceed_->setVisible(live && paused);
  for (auto* button : {checkpoint_, extend_, stop_}) button->setVisible(live);
  further_->setVisible(is_for(RunAction::further, run));
  resume_->setVisible(is_for(RunAction::resume_here, run));
  copy_resume_->setVisible(is_for(RunAction::copy_resume, run) && !run.address.isEmpty());
  // Where it can only go on in a process of its own, that is what the button does.
  auto* here = controls_->action(RunAction::resume_here);
  auto* apart = controls_->action(RunAction::resume_apart);
  auto* shown = !here->isEnabled() && apart->isEnabled() ? apart : here;
  if (resume_->defaultAction() != shown) resume_->setDefaultAction(shown);
  for (auto* button : buttons()) {
    button->setAccessibleName(button->defaultAction()->text().remove(QLatin1Char('&')));
  }
  if (waits && !clock_.isActive()) clock_.start();
  if (!waits) clock_.stop();
}

void RunHeader::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && copy_resume_ != nullptr) refresh();
}

}  // namespace widgets
