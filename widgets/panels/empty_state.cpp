// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/empty_state.h"

#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QAction>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace widgets {

EmptyState::EmptyState(QWidget* content, const QString& sentence, QWidget* parent)
    : QStackedWidget(parent), page_(new QWidget(this)), sentence_(new QLabel(sentence, page_)) {
  auto* column = new QVBoxLayout(page_);
  column->setContentsMargins(lines(this, 1), lines(this, 0.5), lines(this, 1), lines(this, 0.5));
  column->addStretch();
  sentence_->setAlignment(Qt::AlignCenter);
  sentence_->setWordWrap(true);
  column->addWidget(sentence_);
  column->addStretch();
  addWidget(content);
  addWidget(page_);
  setCurrentWidget(page_);
  applyTheme();
}

QAction* EmptyState::addButton(const QString& text, const QString& icon) {
  auto* action = new QAction(symbol_icon(icon), text, this);
  auto* button = new QPushButton(action->icon(), text, page_);
  button->setAccessibleName(QString(text).remove(QLatin1Char('&')));
  connect(button, &QPushButton::clicked, action, &QAction::trigger);
  auto* column = static_cast<QVBoxLayout*>(page_->layout());
  column->insertSpacing(column->count() - 1, lines(this, 0.4));
  column->insertWidget(column->count() - 1, button, 0, Qt::AlignHCenter);
  return action;
}

void EmptyState::setSentence(const QString& sentence) { sentence_->setText(sentence); }

void EmptyState::setEmpty(bool empty) { setCurrentWidget(empty ? page_ : widget(0)); }

bool EmptyState::isEmpty() const { return currentWidget() == page_; }

void EmptyState::applyTheme() {
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText, muted_text(palette()));
  sentence_->setPalette(colors);
}

void EmptyState::changeEvent(QEvent* event) {
  QStackedWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) applyTheme();
}

}  // namespace widgets
