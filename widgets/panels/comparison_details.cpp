// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/comparison_details.h"

#include "engine/compare/comparison_tables.h"
#include "widgets/models/layer_names.h"
#include "widgets/panels/item_views.h"
#include "widgets/style/text.h"

#include <QEvent>
#include <QHeaderView>
#include <QResizeEvent>
#include <QScrollBar>

#include <algorithm>

namespace widgets {
namespace {

constexpr int kLayersRole = Qt::UserRole + 1;
constexpr int kGroupRole = Qt::UserRole + 2;  ///< of a head

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

/// Sentences on as many lines as the column is narrow.
class WrappedRows : public RowDelegate {
 public:
  explicit WrappedRows(QTreeView* view) : RowDelegate(view), view_(view) {}

  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    const int indent = view_->indentation() * (index.parent().isValid() ? 2 : 1);
    const int width = view_->viewport()->width() - indent - option.fontMetrics.height();
    const QFont font = index.data(Qt::FontRole).isValid() ? index.data(Qt::FontRole).value<QFont>()
                                                          : view_->font();
    const QRect text = QFontMetrics(font).boundingRect(
        QRect(0, 0, std::max(width, characters(view_, 20)), 1 << 16), Qt::TextWordWrap,
        index.data().toString());
    return {width, text.height() + option.fontMetrics.height() * 45 / 100};
  }

 private:
  QTreeView* view_;
};

}  // namespace

ComparisonDetails::ComparisonDetails(QWidget* parent) : QTreeWidget(parent) {
  setObjectName(QStringLiteral("compare.details"));
  setAccessibleName(tr("Verdicts and differences"));
  setHeaderHidden(true);
  setFrameShape(QFrame::NoFrame);
  setItemDelegate(new WrappedRows(this));
  setWordWrap(true);
  setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  header()->setSectionResizeMode(QHeaderView::Stretch);
  connect(this, &QTreeWidget::currentItemChanged, this, &ComparisonDetails::choose);
}

void ComparisonDetails::choose(QTreeWidgetItem* item) {
  if (item == nullptr || is_filling_) return;
  const QTreeWidgetItem* head = item->parent() == nullptr ? item : item->parent();
  const QVariant group = head->data(0, kGroupRole);
  if (group.isValid() && group.toInt() != group_) {
    group_ = group.toInt();
    Q_EMIT groupChanged();
  }
  const QStringList layers = item->data(0, kLayersRole).toStringList();
  if (!layers.isEmpty()) Q_EMIT layersChosen(layers);
}

void ComparisonDetails::setView(const ComparisonViewPtr& view) {
  const QString label = view_ != nullptr && group_ >= 0
                            ? qt(view_->comparison.groups[static_cast<std::size_t>(group_)].label)
                            : QString();
  const QString line = currentItem() != nullptr ? currentItem()->text(0) : QString();
  view_ = view;
  fill();
  keepGroup(label, line);
  Q_EMIT groupChanged();
}

/// A live run changes the numbers many times a minute: who reads here keeps the place.
void ComparisonDetails::keepGroup(const QString& label, const QString& line) {
  group_ = -1;
  if (view_ == nullptr) return;
  is_filling_ = true;
  for (int i = 0; i < topLevelItemCount(); ++i) {
    const QVariant group = topLevelItem(i)->data(0, kGroupRole);
    if (!group.isValid()) continue;
    const auto& found = view_->comparison.groups[static_cast<std::size_t>(group.toInt())];
    const bool is_same = qt(found.label) == label;
    if (group_ < 0 || is_same) group_ = group.toInt();
    if (!is_same) continue;
    for (int k = 0; k < topLevelItem(i)->childCount(); ++k) {
      if (topLevelItem(i)->child(k)->text(0) == line) setCurrentItem(topLevelItem(i)->child(k));
    }
  }
  is_filling_ = false;
}

void ComparisonDetails::fill() {
  const int scrolled = verticalScrollBar()->value();
  is_filling_ = true;
  clear();
  if (view_ != nullptr) {
    for (const engine::GroupChange& change : view_->comparison.changes) addChange(change);
    if (!view_->comparison.notes.empty()) {
      auto* item = addHead(tr("Notes"));
      for (const std::string& note : view_->comparison.notes) add(item, qt(note));
      item->setExpanded(true);
    }
  }
  is_filling_ = false;
  verticalScrollBar()->setValue(scrolled);
}

QTreeWidgetItem* ComparisonDetails::addHead(const QString& text) {
  auto* item = new QTreeWidgetItem(this, {text});
  QFont bold = font();
  bold.setBold(true);
  item->setFont(0, bold);
  return item;
}

void ComparisonDetails::addChange(const engine::GroupChange& change) {
  const engine::RunComparison& comparison = view_->comparison;
  auto* item = addHead(tr("%1 against %2")
                           .arg(qt(comparison.groups[change.group].label),
                                qt(comparison.groups[comparison.base_group].label)));
  item->setData(0, kGroupRole, static_cast<int>(change.group));
  for (const engine::Verdict& verdict : comparison.verdicts) {
    if (verdict.group == change.group)
      add(item, sign_of(verdict, comparison.options.confidence) + qt(verdict.text));
  }
  if (change.is_effect_known) {
    for (const engine::EffectChange& effect : change.effect.changes) {
      auto* line = add(item, qt(effect.layers_text + ": " + effect.text));
      line->setData(0, kLayersRole, from_names(effect.layers));
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

void ComparisonDetails::resizeEvent(QResizeEvent* event) {
  QTreeWidget::resizeEvent(event);
  if (event->size().width() != event->oldSize().width()) scheduleDelayedItemsLayout();
}

void ComparisonDetails::changeEvent(QEvent* event) {
  QTreeWidget::changeEvent(event);
  if (event->type() == QEvent::FontChange) fill();
}

}  // namespace widgets
