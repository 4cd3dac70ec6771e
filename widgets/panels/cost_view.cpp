// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/cost_view.h"

#include "widgets/panels/item_views.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QDoubleSpinBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <utility>

namespace widgets {
namespace {

/// Below a minute with the digits that count: 12.3 ms, 4.56 s.
QString seconds_text(double seconds) {
  if (seconds < 0 || !std::isfinite(seconds)) return QStringLiteral("–");
  if (seconds < 1) return QLocale().toString(1000 * seconds, 'f', 1) + QStringLiteral(" ms");
  if (seconds < 100) return QLocale().toString(seconds, 'f', 2) + QStringLiteral(" s");
  return duration_text(seconds);
}

QString interval_text(double seconds, double error) {
  if (seconds < 0 || error < 0) return seconds_text(seconds);
  return QObject::tr("%1  (%2 … %3)")
      .arg(seconds_text(seconds), seconds_text(std::max(0.0, seconds - error)),
           seconds_text(seconds + error));
}

QString size_text(std::int64_t bytes) {
  return bytes < 0 ? QStringLiteral("–") : bytes_text(static_cast<double>(bytes));
}

QString times_text(double factor) {
  return QLocale().toString(factor, 'f', 2) + QStringLiteral(" ×");
}

/// "+4.2 %", "–" while one of the two is not known.
QString difference_text(double predicted, double actual) {
  if (predicted <= 0 || actual < 0) return QStringLiteral("–");
  const double share = 100 * (actual / predicted - 1);
  const QString sign = share < 0 ? QStringLiteral("−") : QStringLiteral("+");
  return sign + QLocale().toString(std::abs(share), 'f', 1) + QStringLiteral(" %");
}

}  // namespace

CostView::CostView(QWidget* parent)
    : QWidget(parent),
      button_(new QPushButton(this)),
      fit_(new QPushButton(tr("&Fit to the device"), this)),
      limit_label_(new QLabel(tr("&Memory"), this)),
      limit_(new QDoubleSpinBox(this)),
      status_(new QLabel(this)),
      bar_(new QProgressBar(this)),
      table_(new QTreeWidget(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  auto* row = new QHBoxLayout;
  button_->setObjectName(QStringLiteral("cost.estimate"));
  row->addWidget(button_);
  fit_->setObjectName(QStringLiteral("cost.fit"));
  fit_->setAccessibleName(tr("Fit the micro-batch to the memory of the device"));
  fit_->setToolTip(
      tr("Halve the micro-batch, and double the accumulation, until a step fits into the memory; "
         "the global batch stays the same"));
  row->addWidget(fit_);
  row->addStretch(1);
  limit_->setObjectName(QStringLiteral("cost.memory_limit"));
  limit_->setAccessibleName(tr("Memory that the run may use, in GB"));
  limit_->setToolTip(tr("How much of the device's memory the run may use"));
  limit_->setRange(0, 10000);
  limit_->setDecimals(2);
  limit_->setSpecialValueText(tr("all that is free"));
  limit_->setSuffix(tr(" GB"));
  limit_->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
  limit_->setMinimumWidth(characters(this, 17));
  limit_label_->setBuddy(limit_);
  row->addWidget(limit_label_);
  row->addWidget(limit_);
  status_->setObjectName(QStringLiteral("cost.status"));
  status_->setWordWrap(true);
  status_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  bar_->setObjectName(QStringLiteral("cost.progress"));
  bar_->setAccessibleName(tr("Progress of the estimate"));
  bar_->setTextVisible(false);
  bar_->setMaximumHeight(lines(this, 0.5));
  column->addLayout(row);
  column->addWidget(status_);
  column->addWidget(bar_);
  table_->setObjectName(QStringLiteral("cost.table"));
  table_->setAccessibleName(tr("What the run costs"));
  set_up_list(table_);
  table_->setItemDelegate(new RowDelegate(table_, Qt::ElideMiddle));
  table_->setSelectionMode(QAbstractItemView::NoSelection);
  table_->setFocusPolicy(Qt::TabFocus);
  column->addWidget(table_);
  connect(button_, &QPushButton::clicked, this, [this] {
    if (running_) {
      Q_EMIT cancelRequested();
    } else {
      Q_EMIT estimateRequested();
    }
  });
  connect(fit_, &QPushButton::clicked, this, &CostView::fitRequested);
  refresh();
}

std::int64_t CostView::memoryLimit() const { return std::llround(limit_->value() * 1e9); }

void CostView::setBlocked(const QString& reason) {
  if (blocked_ == reason) return;
  blocked_ = reason;
  refresh();
}

void CostView::showProgress(const QString& stage, double share) {
  const bool starts = !std::exchange(running_, true);
  if (starts) problem_.clear();
  refresh();
  setStatus(stage + QStringLiteral(" …"));
  bar_->setRange(0, share < 0 ? 0 : 100);
  if (share >= 0) bar_->setValue(static_cast<int>(100 * share));
}

void CostView::showEstimate(const engine::CostEstimate& estimate, LaunchPlace place) {
  running_ = stale_ = false;
  place_ = place;
  problem_.clear();
  estimate_ = estimate;
  outcome_.reset();
  refresh();
  Q_EMIT estimateShown();
}

void CostView::showProblem(const engine::Problem& problem) {
  running_ = false;
  problem_ = QString::fromStdString(problem.message);
  if (!problem.remedy.empty()) {
    problem_ += QStringLiteral(". ") + QString::fromStdString(problem.remedy);
  }
  refresh();
}

void CostView::setStale(bool stale) {
  if (stale_ == stale) return;
  stale_ = stale;
  refresh();
}

void CostView::stopProgress() {
  running_ = false;
  refresh();
}

void CostView::showOutcome(const QString& name, const engine::CostCompared& cost) {
  outcome_ = cost;
  outcome_name_ = name;
  refresh();
}

void CostView::refresh() {
  button_->setText(running_ ? tr("&Cancel") : tr("&Estimate the cost"));
  button_->setAccessibleName(running_ ? tr("Cancel the estimate") : tr("Estimate the cost"));
  button_->setToolTip(
      running_ ? tr("Stop the probe; nothing is kept")
               : tr("A few steps with this model, batch and transform on its device: time, memory "
                    "and disk"));
  button_->setEnabled(running_ || blocked_.isEmpty());
  fit_->setEnabled(!running_ && blocked_.isEmpty());
  limit_->setEnabled(fit_->isEnabled());
  bar_->setVisible(running_);
  table_->clear();
  if (outcome_) {
    fillOutcome();
  } else if (estimate_) {
    fillEstimate();
  }
  const bool has_rows = table_->topLevelItemCount() > 0;
  table_->setVisible(has_rows);
  if (has_rows) {
    const int height = table_->sizeHintForRow(0);
    const int rows = std::min(table_->topLevelItemCount(), 10);
    table_->setFixedHeight(height * rows + table_->header()->sizeHint().height() +
                           lines(this, 0.2));
  }
  if (running_) return;
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText,
                  problem_.isEmpty() ? muted_text(palette()) : theme_colors(palette()).error);
  status_->setPalette(colors);
  setStatus(statusText());
}

QString CostView::statusText() const {
  if (!problem_.isEmpty()) return problem_;
  if (outcome_) {
    return outcome_->seconds < 0
               ? tr("%1: predicted; what it costs stands here when it ends").arg(outcome_name_)
               : tr("%1: predicted and actual").arg(outcome_name_);
  }
  if (!estimate_) return blocked_;
  if (stale_) return tr("Of other settings than these: estimate again");
  if (estimate_->fits) return {};
  return estimate_->batch_size > 1
             ? tr("It does not fit into the memory; a smaller micro-batch may")
             : tr("It does not fit into the memory, not even one sequence at a time");
}

void CostView::setStatus(const QString& text) {
  status_->setText(text);
  status_->setVisible(!text.isEmpty());
}

void CostView::addRow(const QStringList& cells, bool child) {
  auto* item = new QTreeWidgetItem(table_, cells);
  if (child) item->setText(0, QStringLiteral("    ") + cells.front());
  const bool pales = stale_ && !outcome_;
  for (int column = 0; column < cells.size(); ++column) {
    item->setToolTip(column, cells[column]);
    if (pales || column > 1) item->setForeground(column, muted_text(palette()));
  }
}

void CostView::fillEstimate() {
  const auto& cost = *estimate_;
  table_->setHeaderLabels({tr("Cost"), tr("Predicted"), tr("Source")});
  set_column_widths(table_, 1, {{0, 17}, {2, 26}});
  const QString probe = tr("%1 probe steps").arg(cost.probe_steps);
  const QString device = cost.device_name.empty() ? QString::fromStdString(cost.device)
                                                  : QStringLiteral("%1 (%2)").arg(
                                                        QString::fromStdString(cost.device),
                                                        QString::fromStdString(cost.device_name));
  addRow({tr("Steps"),
          tr("%1 of %2 tokens").arg(grouped(cost.max_steps), grouped(cost.tokens_per_step)),
          tr("settings and text")});
  addRow({tr("One step"), interval_text(cost.step_seconds, cost.step_seconds_error),
          tr("%1, %2").arg(probe, device)});
  addRow({tr("Slowdown"),
          tr("%1 the plain step of %2")
              .arg(times_text(cost.slowdown), seconds_text(cost.plain_step_seconds)),
          tr("%1 of each").arg(probe)});
  for (const auto& rule : cost.rules) {
    addRow({QString::fromStdString(rule.pattern),
            tr("%1, %2 layers").arg(times_text(rule.slowdown)).arg(rule.layers),
            tr("by itself, %1").arg(probe)},
           true);
  }
  addRow({tr("In all"), interval_text(cost.total_seconds, cost.total_seconds_error),
          tr("with evaluation and saving")});
  QString peak = size_text(cost.peak_bytes);
  if (cost.peak_bytes >= 0 && cost.peak_bytes_error >= 0) {
    peak += QStringLiteral(" ± ") + size_text(cost.peak_bytes_error);
  }
  if (cost.available_bytes >= 0) peak += tr(" of %1").arg(size_text(cost.available_bytes));
  const bool is_cpu = cost.device == "cpu";
  const QString whose = place_ == LaunchPlace::in_window ? tr("one step, in this window")
                                                         : tr("one step, in its own process");
  addRow({tr("Peak memory"), peak, is_cpu ? whose : tr("one step, %1").arg(device)});
  addRow({tr("Checkpoint"), size_text(cost.checkpoint_bytes), tr("counted from its tensors")});
  addRow({tr("On the disk"),
          (cost.kept_checkpoints == 1 ? tr("%1 with %2 checkpoint") : tr("%1 with %2 checkpoints"))
              .arg(size_text(cost.disk_bytes))
              .arg(cost.kept_checkpoints),
          cost.free_disk_bytes < 0 ? QString()
                                   : tr("%1 are free").arg(size_text(cost.free_disk_bytes))});
  for (const auto& note : cost.notes) addRow({tr("Note"), QString::fromStdString(note), QString()});
}

void CostView::fillOutcome() {
  const auto& cost = *outcome_;
  table_->setHeaderLabels({tr("Cost"), tr("Predicted"), tr("Actual"), tr("Difference")});
  set_column_widths(table_, 1, {{0, 17}, {2, 16}, {3, 12}});
  addRow({tr("One step"), seconds_text(cost.predicted_step_seconds),
          seconds_text(cost.step_seconds),
          difference_text(cost.predicted_step_seconds, cost.step_seconds)});
  addRow({tr("In all"), seconds_text(cost.predicted_seconds), seconds_text(cost.seconds),
          difference_text(cost.predicted_seconds, cost.seconds)});
  const auto sizes = [this](const QString& name, std::int64_t predicted, std::int64_t actual) {
    addRow({name, size_text(predicted), size_text(actual),
            difference_text(static_cast<double>(predicted), static_cast<double>(actual))});
  };
  sizes(tr("Peak memory"), cost.predicted_peak_bytes, cost.peak_bytes);
  sizes(tr("Checkpoint"), cost.predicted_checkpoint_bytes, cost.checkpoint_bytes);
}

void CostView::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) refresh();
}

}  // namespace widgets
