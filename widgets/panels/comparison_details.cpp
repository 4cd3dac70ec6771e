// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/comparison_details.h"

#include "engine/compare/comparison_tables.h"
#include "widgets/panels/item_views.h"

#include <QEvent>
#include <QHeaderView>
#include <QScrollBar>

namespace widgets {
namespace {

constexpr int kLayersRole = Qt::UserRole + 1;

QString qt(const std::string& text) { return QString::fromStdString(text); }

QTreeWidgetItem* add(QTreeWidgetItem* parent, const QString& text) {
  auto* item = new QTreeWidgetItem(parent, {text});
  item->setToolTip(0, text);
  return item;
}

QString sign_of(const engine::Verdict& verdict, double confidence) {
  if (verdict.difference.method == engine::ComparisonMethod::none) return QStringLiteral("? ");
  if (!verdict.difference.is_distinguishable(confidence)) return QStringLiteral("= ");
  return verdict.difference.difference.value > 0 ? QStringLiteral("▲ ") : QStringLiteral("▼ ");
}

}  // namespace

ComparisonDetails::ComparisonDetails(QWidget* parent) : QTreeWidget(parent) {
  setObjectName(QStringLiteral("compare.details"));
  setAccessibleName(tr("Verdicts and differences"));
  setHeaderHidden(true);
  setFrameShape(QFrame::NoFrame);
  setItemDelegate(new RowDelegate(this));
  setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  header()->setSectionResizeMode(QHeaderView::Stretch);
  connect(this, &QTreeWidget::currentItemChanged, this, [this](QTreeWidgetItem* item) {
    if (item == nullptr) return;
    const QStringList layers = item->data(0, kLayersRole).toStringList();
    if (!layers.isEmpty()) Q_EMIT layersChosen(layers);
  });
}

void ComparisonDetails::setView(const ComparisonViewPtr& view) {
  view_ = view;
  fill();
}

void ComparisonDetails::fill() {
  // A live run changes the numbers many times a minute: who reads here keeps the place.
  const int scrolled = verticalScrollBar()->value();
  clear();
  if (view_ == nullptr) return;
  const engine::RunComparison& comparison = view_->comparison;
  QFont bold = font();
  bold.setBold(true);
  const auto head = [&](const QString& text) {
    auto* item = new QTreeWidgetItem(this, {text});
    item->setFont(0, bold);
    return item;
  };
  for (const engine::GroupChange& change : comparison.changes) {
    auto* item = head(tr("%1 against %2")
                          .arg(qt(comparison.groups[change.group].label),
                               qt(comparison.groups[comparison.base_group].label)));
    for (const engine::Verdict& verdict : comparison.verdicts) {
      if (verdict.group == change.group)
        add(item, sign_of(verdict, comparison.options.confidence) + qt(verdict.text));
    }
    if (change.is_effect_known) {
      for (const engine::EffectChange& effect : change.effect.changes) {
        auto* line = add(item, qt(effect.layers_text + ": " + effect.text));
        QStringList layers;
        for (const std::string& layer : effect.layers) layers << qt(layer);
        line->setData(0, kLayersRole, layers);
        line->setToolTip(0, tr("Click to select these layers"));
      }
    }
    engine::GroupChange rest = change;
    rest.effect.changes.clear();
    const bool has_effect = change.is_effect_known && !change.effect.changes.empty();
    for (const std::string& line : engine::change_lines(rest)) {
      if (has_effect && line == "identical effect on every layer") continue;
      add(item, qt(line));
    }
    for (const std::size_t run : comparison.groups[change.group].runs) {
      if (comparison.options.axis == engine::XAxis::time) break;  // the view is in hours
      const std::string line =
          engine::divergence_line(*view_->runs[run], comparison.runs[run], comparison.options);
      if (!line.empty()) add(item, qt(line));
    }
    item->setExpanded(true);
  }
  if (!comparison.notes.empty()) {
    auto* item = head(tr("Notes"));
    for (const std::string& note : comparison.notes) add(item, qt(note));
    item->setExpanded(true);
  }
  verticalScrollBar()->setValue(scrolled);
}

void ComparisonDetails::changeEvent(QEvent* event) {
  QTreeWidget::changeEvent(event);
  if (event->type() == QEvent::FontChange) fill();
}

}  // namespace widgets
