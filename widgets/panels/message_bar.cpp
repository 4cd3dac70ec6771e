// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/message_bar.h"

#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>

namespace widgets {
namespace {

/// Calls when the palette of what it is installed on has changed.
class PaletteWatch : public QObject {
 public:
  PaletteWatch(QObject* parent, std::function<void()> changed)
      : QObject(parent), changed_(std::move(changed)) {}
  bool eventFilter(QObject* watched, QEvent* event) override {
    if (event->type() == QEvent::PaletteChange && watched == parent()->parent()) changed_();
    return false;
  }

 private:
  std::function<void()> changed_;
};

}  // namespace

MessageBar::MessageBar(QWidget* parent)
    : QFrame(parent), icon_(new QLabel(this)), label_(new QLabel(this)) {
  setObjectName(QStringLiteral("message_bar"));
  setAutoFillBackground(true);
  setFrameShape(QFrame::StyledPanel);
  auto* row = row_ = new QHBoxLayout(this);
  row->setContentsMargins(lines(this, 0.5), lines(this, 0.25), lines(this, 0.25),
                          lines(this, 0.25));
  row->addWidget(icon_, 0, Qt::AlignTop);
  label_->setWordWrap(true);
  label_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  label_->setTextFormat(Qt::PlainText);
  row->addWidget(label_, 1);
  auto* copy = new QToolButton(this);
  copy->setIcon(symbol_icon(QStringLiteral("copy")));
  copy->setAutoRaise(true);
  copy->setToolTip(tr("Copy this message"));
  copy->setAccessibleName(tr("Copy this message"));
  connect(copy, &QToolButton::clicked, this,
          [this] { QApplication::clipboard()->setText(label_->text()); });
  row->addWidget(copy, 0, Qt::AlignTop);
  auto* close = new QToolButton(this);
  close->setIcon(symbol_icon(QStringLiteral("close")));
  close->setAutoRaise(true);
  close->setToolTip(tr("Dismiss"));
  close->setAccessibleName(tr("Dismiss this message"));
  connect(close, &QToolButton::clicked, this, &MessageBar::dismiss);
  row->addWidget(close, 0, Qt::AlignTop);
  // The colours are made from the parent's.
  if (parent != nullptr) {
    parent->installEventFilter(new PaletteWatch(this, [this] { applyTheme(); }));
  }
  hide();
}

void MessageBar::showMessage(engine::Severity severity, const QString& text,
                             const QString& remedy) {
  withdrawOffers();
  repeated_ = isVisible() && text == text_ ? repeated_ + 1 : 1;
  severity_ = severity;
  text_ = text;
  remedy_ = remedy;
  present();
}

void MessageBar::showProblem(const engine::Problem& problem) {
  QString text = QString::fromStdString(problem.message);
  const QString place = QString::fromStdString(engine::to_string(problem.place));
  if (!place.isEmpty() && !text.contains(place)) text = place + QStringLiteral(": ") + text;
  showMessage(problem.severity, text, QString::fromStdString(problem.remedy));
}

void MessageBar::offer(const QString& name, const QString& text, std::function<void()> answer) {
  auto* button = new QPushButton(text, this);
  button->setObjectName(name);
  button->setAccessibleName(QString(text).remove(QLatin1Char('&')));
  connect(button, &QPushButton::clicked, this, std::move(answer));
  row_->insertWidget(2 + static_cast<int>(offers_.size()), button, 0, Qt::AlignVCenter);
  offers_ << button;
}

void MessageBar::withdrawOffers() {
  for (auto* button : offers_) button->deleteLater();
  offers_.clear();
}

void MessageBar::dismiss() {
  withdrawOffers();
  text_.clear();
  hide();
  Q_EMIT shownChanged(false);
}

void MessageBar::present() {
  QString shown = text_;
  if (repeated_ > 1) shown += tr(" (%1 times)").arg(repeated_);
  if (!remedy_.isEmpty()) shown += QLatin1Char('\n') + remedy_;
  label_->setText(shown);
  setAccessibleName(shown);
  applyTheme();
  show();
  Q_EMIT shownChanged(true);
}

void MessageBar::applyTheme() {
  const QPalette above = parentWidget() != nullptr ? parentWidget()->palette() : palette();
  const auto& colors = theme_colors(above);
  const QColor accent = severity_ == engine::Severity::error     ? colors.error
                        : severity_ == engine::Severity::warning ? colors.warning
                                                                 : above.color(QPalette::Highlight);
  QPalette own = above;
  own.setColor(QPalette::Window, blend(accent, above.color(QPalette::Base), 0.12));
  if (own != palette()) setPalette(own);
  const auto color = severity_ == engine::Severity::error     ? SymbolColor::error
                     : severity_ == engine::Severity::warning ? SymbolColor::warning
                                                              : SymbolColor::text;
  const int size = lines(this, 1);
  icon_->setPixmap(symbol_icon(QString::fromLatin1(engine::to_string(severity_)), color)
                       .pixmap(QSize(size, size), devicePixelRatioF()));
}

void MessageBar::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::ApplicationPaletteChange) applyTheme();
}

}  // namespace widgets
