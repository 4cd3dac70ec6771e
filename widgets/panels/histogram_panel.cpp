// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/histogram_panel.h"

#include "widgets/models/histogram_data.h"
#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/plots/histogram_plot.h"
#include "widgets/style/elided_label.h"
#include "widgets/style/metrics.h"
#include "widgets/style/theme.h"

#include <QButtonGroup>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace widgets {
namespace {

constexpr int kWeights = 3;
enum Ghost { kSaved, kRun, kNone };

}  // namespace

HistogramPanel::HistogramPanel(Selection* selection, const RunStore* runs, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      runs_(runs),
      planned_button_(new QToolButton),
      applied_button_(new QToolButton),
      ghost_(new QComboBox),
      weight_(new QComboBox),
      note_(new ElidedLabel),
      plot_(new HistogramPlot) {
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  auto* bar = new QHBoxLayout;
  bar->setContentsMargins(lines(this, 0.25), lines(this, 0.25), lines(this, 0.4),
                          lines(this, 0.25));
  auto* group = new QButtonGroup(this);
  planned_button_->setText(tr("Planned"));
  planned_button_->setObjectName(QStringLiteral("histogram.planned"));
  planned_button_->setToolTip(tr("What the open transform file plans for the open checkpoint"));
  applied_button_->setText(tr("Applied"));
  applied_button_->setObjectName(QStringLiteral("histogram.applied"));
  applied_button_->setToolTip(tr("What the engine replaced in the selected run, against its plan"));
  for (auto* button : {planned_button_, applied_button_}) {
    button->setCheckable(true);
    button->setAutoRaise(true);
    button->setAccessibleName(tr("Histogram: %1").arg(button->text()));
    group->addButton(button);
    bar->addWidget(button);
  }
  planned_button_->setChecked(true);
  bar->addSpacing(lines(this, 0.5));
  note_->setObjectName(QStringLiteral("histogram.note"));
  note_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  bar->addWidget(note_, 1);
  ghost_->setObjectName(QStringLiteral("histogram.ghost"));
  ghost_->setAccessibleName(tr("What the outlines are of"));
  ghost_->setToolTip(tr("What the outlines behind the bars are of"));
  ghost_->addItem(tr("outlined: saved"));
  ghost_->addItem(tr("outlined: run"));
  ghost_->addItem(tr("no outlines"));
  bar->addWidget(ghost_);
  weight_->setObjectName(QStringLiteral("histogram.weight"));
  weight_->setAccessibleName(tr("What the bars measure"));
  weight_->setToolTip(tr("What the length of a bar measures"));
  weight_->addItem(tr("by layers"));
  weight_->addItem(tr("by parameters"));
  weight_->addItem(tr("by FLOPs"));
  bar->addWidget(weight_);
  column->addLayout(bar);
  auto* scroll = new QScrollArea;
  scroll->setWidget(plot_);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setFocusPolicy(Qt::NoFocus);
  column->addWidget(scroll, 1);

  empty_ = new EmptyState(content, QString());
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);

  connect(weight_, &QComboBox::currentIndexChanged, plot_, [this](int index) {
    if (index >= 0 && index < kWeights) {
      plot_->setWeight(static_cast<HistogramWeight>(index));
    }
    refresh();
  });
  connect(ghost_, &QComboBox::currentIndexChanged, this, &HistogramPanel::refresh);
  connect(plot_, &HistogramPlot::ruleActivated, this, &HistogramPanel::ruleActivated);
  connect(planned_button_, &QToolButton::clicked, this, &HistogramPanel::showPlanned);
  connect(applied_button_, &QToolButton::clicked, this, &HistogramPanel::showApplied);
  connect(plot_, &HistogramPlot::layersClicked, selection_, &Selection::setLayers);
  connect(selection_, &Selection::layersChanged, this,
          [this] { plot_->setSelectedLayers(selection_->layers()); });
  connect(selection_, &Selection::runChanged, this, &HistogramPanel::refresh);
  connect(runs_, &RunStore::runsChanged, this, [this](const QStringList& folders) {
    const bool shows_run = applied_ || ghost_->currentIndex() == kRun;
    if (shows_run && folders.contains(selection_->run())) refresh();
  });
  refresh();
}

void HistogramPanel::setView(PlanViewPtr view) {
  view_ = std::move(view);
  refresh();
}

void HistogramPanel::setSavedView(PlanViewPtr saved) {
  if (saved == saved_) return;
  saved_ = std::move(saved);
  saved_bars_ = saved_ != nullptr ? planned_histogram(*saved_) : HistogramData();
}

void HistogramPanel::showPlanned() {
  applied_ = false;
  planned_button_->setChecked(true);
  refresh();
}

void HistogramPanel::showApplied() {
  applied_ = true;
  applied_button_->setChecked(true);
  refresh();
}

QString HistogramPanel::statistic() const {
  return applied_ && weight_->currentIndex() >= kWeights ? weight_->currentText() : QString();
}

/// Behind the three weights, what the layers of the shown run measure.
void HistogramPanel::listStatistics(const RunRecord* run) {
  QStringList known;
  if (applied_ && run != nullptr) {
    for (const auto& name : run->layers.statistics()) known << QString::fromStdString(name);
  }
  QStringList listed;
  for (int i = kWeights; i < weight_->count(); ++i) listed << weight_->itemText(i);
  if (known == listed) return;
  const QString chosen = weight_->currentText();
  const QSignalBlocker quiet(weight_);
  while (weight_->count() > kWeights) weight_->removeItem(weight_->count() - 1);
  weight_->addItems(known);
  const int again = weight_->findText(chosen);
  weight_->setCurrentIndex(std::max(0, again));
  plot_->setWeight(static_cast<HistogramWeight>(std::min(std::max(0, again), kWeights - 1)));
}

QString HistogramPanel::noteText() const { return note_->text(); }

void HistogramPanel::addGhosts(HistogramData& shown) const {
  if (ghost_->currentIndex() == kSaved) {
    if (saved_ != nullptr && saved_->has_plan() && saved_->checkpoint == view_->checkpoint)
      add_ghosts(shown, saved_bars_, tr("as saved"), tr("no longer in the file"));
  } else if (ghost_->currentIndex() == kRun) {
    const RunRecord* run = runs_->find(selection_->run());
    if (run != nullptr && run->plan != nullptr && run->plan->has_plan())
      add_ghosts(shown, planned_histogram(*run->plan), run->name, tr("only in %1").arg(run->name));
  }
}

void HistogramPanel::refresh() {
  const RunRecord* run = runs_->find(selection_->run());
  applied_button_->setEnabled(run != nullptr);
  if (run == nullptr && applied_) {
    applied_ = false;
    planned_button_->setChecked(true);
  }
  listStatistics(run);
  const bool has_plan = view_ != nullptr && view_->has_plan();
  HistogramData shown;
  if (applied_) {
    shown = applied_histogram(*run, statistic());
  } else if (has_plan) {
    shown = planned_histogram(*view_);
    addGhosts(shown);
  }
  ghost_->setVisible(!applied_ && has_plan);
  empty_->setEmpty(!applied_ && !has_plan && run == nullptr);
  empty_->setSentence(view_ == nullptr || view_->checkpoint == nullptr
                          ? tr("Counts appear as soon as a checkpoint is open.")
                          : tr("Counts appear as soon as a transform file is open."));
  const bool is_plain =
      shown.bars.empty() || (shown.bars.size() == 1 && shown.bars.front().untransformed);
  if (applied_) {
    note_->setText(shown.note);
    note_->setToolTip(shown.caption);
    if (is_plain && shown.note.isEmpty()) {
      note_->setText(run->step > 0 ? tr("nothing was transformed") : tr("nothing applied yet"));
    }
  } else {
    const bool lacks_run = ghost_->currentIndex() == kRun && run == nullptr;
    note_->setText(!has_plan   ? QString()
                   : lacks_run ? tr("Select a run to see the outlines of its transform.")
                               : tr("Click selects layers."));
    note_->setToolTip(note_->text());
  }
  note_->setWholeOrNothing(!applied_);
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText,
                  shown.note_is_error ? theme_colors(palette()).error : muted_text(palette()));
  note_->setPalette(colors);
  plot_->setData(std::move(shown));
}

}  // namespace widgets
