// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/scan_panel.h"

#include "widgets/models/scan_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/item_views.h"
#include "widgets/panels/measure_delegate.h"
#include "widgets/panels/message_bar.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QCheckBox>
#include <QDateTime>
#include <QDoubleSpinBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QItemSelectionModel>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSortFilterProxyModel>
#include <QTreeView>
#include <QVBoxLayout>

namespace widgets {
namespace {

/// Numbers that noise could explain stand back.
class DistinctDelegate : public RowDelegate {
 public:
  using RowDelegate::RowDelegate;

 protected:
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
    RowDelegate::initStyleOption(option, index);
    if (!index.data(ScanModel::kIsDistinctRole).toBool())
      option->palette.setColor(QPalette::Text, muted_text(option->palette));
  }
};

double seconds_now() { return static_cast<double>(QDateTime::currentMSecsSinceEpoch()) / 1000; }

}  // namespace

ScanPanel::ScanPanel(Selection* selection, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      messages_(new MessageBar(this)),
      model_(new ScanModel(this)),
      sorted_(new QSortFilterProxyModel(this)),
      run_(new QPushButton(symbol_icon(QStringLiteral("run")), tr("&Scan"))),
      pause_(new QPushButton(symbol_icon(QStringLiteral("pause")), tr("&Pause"))),
      one_on_(new QCheckBox(tr("&alone"))),
      one_off_(new QCheckBox(tr("&kept digital"))),
      layers_(new QCheckBox(tr("&layers"))),
      kinds_(new QCheckBox(tr("k&inds"))),
      budget_(new QDoubleSpinBox),
      progress_(new QProgressBar),
      facts_(new QLabel),
      list_(new QTreeView),
      proposal_(new QLabel),
      apply_(new QPushButton(symbol_icon(QStringLiteral("fix")), tr("Appl&y proposal"))),
      legend_(new MeasureLegend) {
  const int pad = lines(this, 0.4);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(messages_);
  auto* inner = new QVBoxLayout;
  inner->setContentsMargins(pad, pad, pad, 0);
  inner->setSpacing(pad);
  column->addLayout(inner, 1);

  const auto name = [](QWidget* widget, const char* id, const QString& accessible,
                       const QString& tip) {
    widget->setObjectName(QStringLiteral("scan.") + QLatin1String(id));
    widget->setAccessibleName(accessible);
    widget->setToolTip(tip);
  };
  auto* wanted = new QHBoxLayout;
  wanted->setSpacing(pad);
  const auto option = [&](QCheckBox* box, const char* id, const QString& tip) {
    name(box, id, tip, tip);
    box->setChecked(true);
    wanted->addWidget(box);
    connect(box, &QCheckBox::toggled, this, [this] { setBlocked(blocked_); });
  };
  option(layers_, "layers", tr("Scan single layers"));
  option(kinds_, "kinds", tr("Scan all layers of a kind together"));
  option(one_on_, "one_on", tr("Measure each simulated alone, all others plain"));
  option(one_off_, "one_off", tr("Measure each plain, all others simulated"));
  wanted->addStretch(1);
  auto* budget_label = new QLabel(tr("&FLOPs"));
  budget_label->setBuddy(budget_);
  name(budget_, "budget", tr("Largest share of FLOPs to keep digital"),
       tr("Largest share of a forward pass that the proposal may keep digital"));
  budget_->setRange(0.1, 100);
  budget_->setDecimals(1);
  budget_->setValue(10);
  budget_->setPrefix(QStringLiteral("≤ "));
  budget_->setSuffix(QStringLiteral(" %"));
  wanted->addWidget(budget_label);
  wanted->addWidget(budget_);
  inner->addLayout(wanted);

  auto* buttons = new QHBoxLayout;
  buttons->setSpacing(pad);
  name(run_, "run", tr("Scan"), QString());
  name(pause_, "pause", tr("Pause the scan"),
       tr("Stop now; what is measured is kept, and the scan goes on from there"));
  name(progress_, "progress", tr("Progress"), QString());
  buttons->addWidget(run_);
  buttons->addWidget(pause_);
  buttons->addWidget(progress_, 1);
  buttons->addStretch(0);
  inner->addLayout(buttons);

  name(facts_, "facts", tr("What the scan found"), QString());
  facts_->setWordWrap(true);
  inner->addWidget(facts_);

  sorted_->setSourceModel(model_);
  sorted_->setSortRole(ScanModel::kSortRole);
  sorted_->setDynamicSortFilter(true);
  name(list_, "list", tr("Layers and kinds by what they cost"), QString());
  list_->setModel(sorted_);
  set_up_list(list_);
  list_->setItemDelegate(new DistinctDelegate(list_));
  list_->setItemDelegateForColumn(ScanModel::kName, new RowDelegate(list_, Qt::ElideMiddle));
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->setSortingEnabled(true);
  list_->sortByColumn(ScanModel::kAlone, Qt::DescendingOrder);
  set_column_widths(list_, ScanModel::kName,
                    {{ScanModel::kAlone, 21},
                     {ScanModel::kKept, 21},
                     {ScanModel::kError, 9},
                     {ScanModel::kFlops, 8}});
  inner->addWidget(list_, 1);
  inner->addStretch(0);
  legend_->setObjectName(QStringLiteral("scan.legend"));
  inner->addWidget(legend_);

  auto* offer = new QHBoxLayout;
  offer->setSpacing(pad);
  offer->setContentsMargins(0, 0, 0, pad);
  name(proposal_, "proposal", tr("Proposal"), QString());
  proposal_->setWordWrap(true);
  proposal_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  name(apply_, "apply", tr("Apply proposal"), QString());
  offer->addWidget(proposal_, 1);
  offer->addWidget(apply_, 0, Qt::AlignTop);
  inner->addLayout(offer);

  connect(run_, &QPushButton::clicked, this, &ScanPanel::runRequested);
  connect(pause_, &QPushButton::clicked, this, &ScanPanel::pauseRequested);
  connect(apply_, &QPushButton::clicked, this, &ScanPanel::applyRequested);
  connect(list_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
          &ScanPanel::selectLayers);
  setState(State::idle);
  presentResult();
}

engine::ScanOptions ScanPanel::options() const {
  engine::ScanOptions options;
  options.one_on = one_on_->isChecked();
  options.one_off = one_off_->isChecked();
  options.layers = layers_->isChecked();
  options.kinds = kinds_->isChecked();
  options.flops_budget = budget_->value() / 100;
  return options;
}

void ScanPanel::setBlocked(const QString& reason) {
  blocked_ = reason;
  QString why = reason;
  if (!one_on_->isChecked() && !one_off_->isChecked()) why = tr("Choose alone or kept digital.");
  if (!layers_->isChecked() && !kinds_->isChecked()) why = tr("Choose layers or kinds.");
  run_->setEnabled(why.isEmpty());
  run_->setToolTip(why.isEmpty() ? tr("Measure every layer in the background; nothing is saved")
                                 : why);
}

void ScanPanel::setState(State state) {
  const bool was_running = state_ == State::running;
  state_ = state;
  const bool is_running = state == State::running || state == State::pausing;
  run_->setVisible(!is_running);
  run_->setText(state == State::paused ? tr("&Go on") : tr("&Scan"));
  pause_->setVisible(is_running);
  pause_->setEnabled(state == State::running);
  progress_->setVisible(is_running || state == State::paused);
  for (QWidget* widget : {static_cast<QWidget*>(one_on_), static_cast<QWidget*>(one_off_),
                          static_cast<QWidget*>(layers_), static_cast<QWidget*>(kinds_),
                          static_cast<QWidget*>(budget_)})
    widget->setEnabled(!is_running);
  if (state == State::running && !was_running) {
    started_at_ = 0;
    progress_->setRange(0, 0);
    progress_->setFormat(tr("loading"));
  }
  if (state == State::paused) {
    if (progress_->maximum() == 0) progress_->setRange(0, 1);
    progress_->setFormat(tr("paused at %p %"));
  }
  setBlocked(blocked_);
}

void ScanPanel::showProgress(const QString& stage, double done, double total) {
  constexpr int kSteps = 1000;
  progress_->setRange(0, total > 0 ? kSteps : 0);
  progress_->setValue(total > 0 ? static_cast<int>(done / total * kSteps) : 0);
  QString text = QStringLiteral("%p %  ") + stage;
  const double now = seconds_now();
  if (started_at_ == 0 && done > 0) {
    started_at_ = now;
    started_done_ = done;
  } else if (done > started_done_ && done < total && now - started_at_ > 1) {
    const double left = (now - started_at_) / (done - started_done_) * (total - done);
    text += QStringLiteral("  ") + tr("%1 left").arg(duration_text(left));
  }
  progress_->setFormat(text);
}

void ScanPanel::clear() {
  model_->clear();
  result_.reset();
  outdated_ = false;
  presentResult();
  Q_EMIT measureChanged();
}

void ScanPanel::take(const engine::ScanEntry& entry) {
  model_->take(entry);
  presentResult();
  Q_EMIT measureChanged();
}

void ScanPanel::showResult(const engine::ScanResult& result) {
  result_ = result;
  outdated_ = false;
  messages_->dismiss();
  model_->setEntries(result.entries);
  presentResult();
  Q_EMIT measureChanged();
}

void ScanPanel::setOutdated(bool outdated) {
  if (outdated == outdated_) return;
  outdated_ = outdated;
  presentResult();
  Q_EMIT measureChanged();
}

void ScanPanel::setProposalBlocked(const QString& reason) {
  proposal_blocked_ = reason;
  const bool has_proposal = result_ && !result_->proposal.layers.empty();
  apply_->setEnabled(has_proposal && reason.isEmpty());
  apply_->setToolTip(reason.isEmpty()
                         ? tr("Write a rule that leaves these layers alone; one step to undo")
                         : reason);
}

LayerMeasure ScanPanel::measure() const {
  LayerMeasure measure = sensitivity_measure(model_->entries());
  measure.is_outdated = outdated_;
  return measure;
}

void ScanPanel::presentResult() {
  QPalette muted = palette();
  muted.setColor(QPalette::WindowText, muted_text(palette()));
  facts_->setPalette(muted);
  const bool has_list = model_->rowCount() > 0 || result_.has_value();
  list_->setVisible(has_list || state_ != State::idle);
  legend_->setVisible(has_list || state_ != State::idle);
  proposal_->setVisible(result_.has_value());
  apply_->setVisible(result_ && !result_->proposal.layers.empty());
  const LayerMeasure shown = measure();
  legend_->setScale(tr("in the tree 0"),
                    shown.empty() ? tr("largest") : number_text(shown, shown.bad));
  if (!result_ && model_->rowCount() > 0) {
    facts_->setText(tr("%n layers and kinds so far. Grey numbers could be text and noise alone.",
                       "", model_->rowCount()));
    return;
  }
  if (!result_) {
    facts_->setText(
        tr("Which layers can go on the chip? Measures every layer alone on the simulated "
           "hardware and every layer kept digital, in the background, and proposes which "
           "ones to keep digital."));
    return;
  }
  const auto& facts = result_->facts;
  QString text;
  if (outdated_) text += tr("Before the last edit. ");
  text += result_->whole_diverges
              ? tr("The whole transform: the loss is not finite.")
              : tr("The whole transform: Δ loss %1.").arg(difference_text(result_->whole));
  text += QLatin1Char(' ') +
          tr("%1 batches of %2 × %3 tokens, %4 draws; %5 measured, %6 known from before.")
              .arg(facts.batches)
              .arg(facts.batch_size)
              .arg(facts.block_size)
              .arg(facts.noise_draws)
              .arg(result_->measured_cells)
              .arg(result_->reused_cells);
  facts_->setText(text);
  QString summary = QString::fromStdString(result_->proposal.summary);
  if (!summary.isEmpty()) summary[0] = summary[0].toUpper();
  proposal_->setText(summary);
  QStringList kept;
  for (const auto& layer : result_->proposal.layers) kept << QString::fromStdString(layer);
  proposal_->setToolTip(kept.join(QLatin1Char('\n')));
  setProposalBlocked(proposal_blocked_);
}

void ScanPanel::selectLayers() {
  QStringList layers;
  for (const auto& index : list_->selectionModel()->selectedRows())
    layers << index.data(ScanModel::kLayersRole).toStringList();
  layers.removeDuplicates();
  if (!layers.isEmpty()) selection_->setLayers(layers);
}

void ScanPanel::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  list_->setColumnHidden(ScanModel::kError, width() < characters(this, 92));
}

void ScanPanel::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) presentResult();
}

}  // namespace widgets
