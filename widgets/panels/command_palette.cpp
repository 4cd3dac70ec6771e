// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/command_palette.h"

#include "widgets/models/fuzzy_match.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include <algorithm>

namespace widgets {
namespace {

constexpr int kShown = 60;
constexpr int kEntryRole = Qt::UserRole + 1;
constexpr int kGroupRole = Qt::UserRole + 2;
constexpr int kKeysRole = Qt::UserRole + 3;

/// Text at the left; group and shortcut at the right, fainter.
class EntryDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override {
    QStyleOptionViewItem frame = option;
    initStyleOption(&frame, index);
    const QString text = std::exchange(frame.text, QString());
    const QStyle* style = frame.widget != nullptr ? frame.widget->style() : QApplication::style();
    style->drawControl(QStyle::CE_ItemViewItem, &frame, painter, frame.widget);
    const bool is_selected = option.state.testFlag(QStyle::State_Selected);
    const QPalette& shades = option.palette;
    const QColor ink = shades.color(is_selected ? QPalette::HighlightedText : QPalette::Text);
    const QColor faint = is_selected ? ink : muted_text(shades);
    const int pad = option.fontMetrics.height() / 2;
    QRect room = option.rect.adjusted(pad, 0, -pad, 0);
    const QString keys = index.data(kKeysRole).toString();
    const QString side = keys.isEmpty() ? index.data(kGroupRole).toString() : keys;
    painter->save();
    painter->setPen(faint);
    painter->drawText(room, Qt::AlignRight | Qt::AlignVCenter, side);
    room.setRight(room.right() - option.fontMetrics.horizontalAdvance(side) - pad);
    painter->setPen(ink);
    painter->drawText(room, Qt::AlignLeft | Qt::AlignVCenter,
                      option.fontMetrics.elidedText(text, Qt::ElideMiddle, room.width()));
    painter->restore();
  }
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex&) const override {
    return {0, option.fontMetrics.height() * 3 / 2};
  }
};

}  // namespace

CommandPalette::CommandPalette(QWidget* window)
    : QFrame(window, Qt::Popup), field_(new QLineEdit(this)), list_(new QListWidget(this)) {
  setObjectName(QStringLiteral("palette"));
  setAccessibleName(tr("Commands"));
  setFrameShape(QFrame::StyledPanel);
  auto* column = new QVBoxLayout(this);
  const int pad = lines(this, 0.4);
  column->setContentsMargins(pad, pad, pad, pad);
  field_->setObjectName(QStringLiteral("palette.field"));
  field_->setAccessibleName(tr("Find a command, layer, rule, run or setting"));
  field_->setPlaceholderText(tr("Find a command, layer, rule, run or setting"));
  field_->addAction(symbol_icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
  list_->setObjectName(QStringLiteral("palette.list"));
  list_->setAccessibleName(tr("What was found"));
  list_->setFrameShape(QFrame::NoFrame);
  list_->setItemDelegate(new EntryDelegate(list_));
  list_->setUniformItemSizes(true);
  list_->setFocusPolicy(Qt::NoFocus);
  list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  column->addWidget(field_);
  column->addWidget(list_);
  field_->installEventFilter(this);
  connect(field_, &QLineEdit::textChanged, this, &CommandPalette::filter);
  connect(list_, &QListWidget::itemClicked, this, &CommandPalette::runCurrent);
}

void CommandPalette::open(std::vector<Entry> entries) {
  entries_ = std::move(entries);
  field_->clear();
  filter();
  const QWidget* window = parentWidget();
  const int width = std::min(characters(this, 96), window->width() - lines(this, 2));
  const int height = std::min(lines(this, 24), window->height() - lines(this, 4));
  resize(width, height);
  move(window->mapToGlobal(QPoint((window->width() - width) / 2, lines(this, 3))));
  show();
  field_->setFocus(Qt::PopupFocusReason);
}

void CommandPalette::filter() {
  const QString query = field_->text();
  std::vector<std::pair<int, std::size_t>> found;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const int score = fuzzy_score(query, entries_[i].text);
    if (score > 0) found.emplace_back(query.isEmpty() ? 0 : -score, i);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& one, const auto& other) { return one.first < other.first; });
  if (found.size() > kShown) found.resize(kShown);
  list_->clear();
  for (const auto& [score, i] : found) {
    auto* item = new QListWidgetItem(entries_[i].text, list_);
    item->setData(kEntryRole, static_cast<int>(i));
    item->setData(kGroupRole, entries_[i].group);
    item->setData(kKeysRole, entries_[i].keys);
  }
  list_->setCurrentRow(0);
}

void CommandPalette::runCurrent() {
  const auto* item = list_->currentItem();
  if (item == nullptr) return;
  const auto run = entries_[static_cast<std::size_t>(item->data(kEntryRole).toInt())].run;
  hide();
  run();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
  if (watched != field_ || event->type() != QEvent::KeyPress) {
    return QFrame::eventFilter(watched, event);
  }
  auto* key = static_cast<QKeyEvent*>(event);
  switch (key->key()) {
    case Qt::Key_Down:
    case Qt::Key_Up:
    case Qt::Key_PageDown:
    case Qt::Key_PageUp:
      QApplication::sendEvent(list_, event);
      return true;
    case Qt::Key_Return:
    case Qt::Key_Enter:
      runCurrent();
      return true;
    case Qt::Key_Escape:
      hide();
      return true;
    default:
      return false;
  }
}

}  // namespace widgets
