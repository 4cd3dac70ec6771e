// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/presets_panel.h"

#include "widgets/models/histogram_data.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/plots/histogram_plot.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

namespace widgets {

PresetsPanel::PresetsPanel(QWidget* parent)
    : QWidget(parent),
      list_(new QListWidget),
      description_(new QLabel),
      effect_(new QLabel),
      plot_(new HistogramPlot),
      use_(new QPushButton(symbol_icon(QStringLiteral("config")), tr("&Use as a new transform"))) {
  auto* content = new QWidget;
  auto* row = new QHBoxLayout(content);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(0);
  list_->setObjectName(QStringLiteral("presets.list"));
  list_->setAccessibleName(tr("Presets"));
  list_->setFrameShape(QFrame::NoFrame);
  list_->setItemDelegate(new RowDelegate(list_));
  list_->setUniformItemSizes(true);
  list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  list_->setMaximumWidth(characters(this, 30));
  row->addWidget(list_);

  auto* page = new QWidget;
  auto* column = new QVBoxLayout(page);
  const int pad = lines(this, 0.4);
  column->setContentsMargins(pad, pad, pad, pad);
  column->setSpacing(pad);
  for (auto* label : {description_, effect_}) {
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    column->addWidget(label);
  }
  effect_->setObjectName(QStringLiteral("presets.effect"));
  plot_->setObjectName(QStringLiteral("presets.plot"));
  plot_->setFocusPolicy(Qt::NoFocus);
  plot_->setAttribute(Qt::WA_TransparentForMouseEvents);
  use_->setObjectName(QStringLiteral("presets.use"));
  use_->setAccessibleName(tr("Use as a new transform"));
  use_->setToolTip(tr("Begin a new document with this text; the preset's file is not touched"));
  column->addWidget(use_, 0, Qt::AlignLeft);
  column->addWidget(plot_);
  column->addStretch();
  auto* scroll = new QScrollArea;
  scroll->setWidget(page);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setFocusPolicy(Qt::NoFocus);
  row->addWidget(scroll, 1);

  empty_ = new EmptyState(content, tr("The presets were not found beside this program."));
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);

  const auto use = [this] {
    const int chosen = list_->currentRow();
    if (chosen < 0) return;
    const auto& preset = presets_[static_cast<std::size_t>(chosen)];
    Q_EMIT useRequested(preset.name, preset.text);
  };
  connect(use_, &QPushButton::clicked, this, use);
  connect(list_, &QListWidget::itemActivated, this, use);
  connect(list_, &QListWidget::currentRowChanged, this, &PresetsPanel::showPreset);
}

void PresetsPanel::setPresets(std::vector<Preset> presets) {
  presets_ = std::move(presets);
  plans_.clear();
  list_->clear();
  for (const auto& preset : presets_) list_->addItem(preset.name);
  list_->setCurrentRow(0);
  empty_->setEmpty(presets_.empty());
}

void PresetsPanel::setView(const PlanViewPtr& view) {
  if (view->checkpoint == checkpoint_) return;
  checkpoint_ = view->checkpoint;
  plans_.clear();
  if (isVisible()) preview();
}

void PresetsPanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  if (plans_.empty()) preview();
}

void PresetsPanel::preview() {
  const auto infos = engine::paradigm_infos();
  plans_.clear();
  for (const auto& preset : presets_) {
    plans_.push_back(
        plan_text(checkpoint_, preset.text, preset.file.toStdString(), infos, nullptr));
  }
  showPreset();
}

void PresetsPanel::showPreset() {
  const auto chosen = static_cast<std::size_t>(std::max(list_->currentRow(), 0));
  if (chosen >= presets_.size()) return;
  description_->setText(presets_[chosen].description);
  description_->setVisible(!presets_[chosen].description.isEmpty());
  const bool planned = chosen < plans_.size();
  effect_->setText(planned ? effect_text(*plans_[chosen]) : QString());
  const bool has_bars = planned && plans_[chosen]->has_plan();
  plot_->setVisible(has_bars);
  if (has_bars) plot_->setData(planned_histogram(*plans_[chosen]));
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText, muted_text(palette()));
  description_->setPalette(colors);
}

QString PresetsPanel::effect() const { return effect_->text(); }

void PresetsPanel::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) showPreset();
}

}  // namespace widgets
