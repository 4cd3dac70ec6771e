// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/text/pattern_edit.h"

#include "engine/config/layer_pattern.h"
#include "widgets/style/theme.h"
#include "widgets/text/pattern_highlighter.h"
#include "widgets/text/text_map.h"

#include <QFontDatabase>
#include <QKeyEvent>
#include <QMimeData>
#include <QScrollBar>
#include <QTextBlock>
#include <QTextDocument>

#include <algorithm>

namespace widgets {

PatternEdit::PatternEdit(QWidget* parent)
    : QPlainTextEdit(parent), highlighter_(new PatternHighlighter(document())) {
  setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  setLineWrapMode(NoWrap);
  setTabChangesFocus(true);
  setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  document()->setDocumentMargin(2);
  highlighter_->setPalette(palette());
  connect(this, &QPlainTextEdit::textChanged, this, [this] {
    if (following_ || pattern() == last_) return;
    last_ = pattern();
    check();
    Q_EMIT patternEdited(last_);
  });
}

QString PatternEdit::pattern() const { return toPlainText(); }

void PatternEdit::setPattern(const QString& pattern) {
  if (pattern == this->pattern()) return;
  following_ = true;
  setPlainText(pattern);
  moveCursor(hasFocus() ? QTextCursor::End : QTextCursor::Start);
  following_ = false;
  last_ = pattern;
  check();
}

void PatternEdit::setUseRegex(bool use_regex) {
  if (use_regex == use_regex_) return;
  use_regex_ = use_regex;
  highlighter_->setUseRegex(use_regex);
  following_ = true;
  highlighter_->rehighlight();
  following_ = false;
  check();
}

void PatternEdit::selectAllText() {
  QTextCursor all(document());
  all.select(QTextCursor::Document);
  setTextCursor(all);
}

void PatternEdit::check() {
  const std::string bytes = pattern().toStdString();
  const engine::LayerPattern compiled(bytes, use_regex_);
  error_ = QString::fromStdString(compiled.error());
  QList<QTextEdit::ExtraSelection> waves;
  if (!error_.isEmpty() && !bytes.empty()) {
    const TextMap map(bytes);
    const int size = static_cast<int>(map.shown().size());
    const int at = std::min(static_cast<int>(map.position(compiled.error_offset())), size - 1);
    QTextEdit::ExtraSelection wave;
    wave.cursor = QTextCursor(document());
    wave.cursor.setPosition(at);
    wave.cursor.setPosition(at + 1, QTextCursor::KeepAnchor);
    wave.format.setUnderlineStyle(QTextCharFormat::WaveUnderline);
    wave.format.setUnderlineColor(theme_colors(palette()).error);
    waves << wave;
  }
  setExtraSelections(waves);
  setToolTip(error_.isEmpty() ? tr("A pattern has to match the whole name of a layer")
                              : tr("This does not compile: %1").arg(error_));
}

QSize PatternEdit::sizeHint() const {
  const int height = fontMetrics().height() + 2 * static_cast<int>(document()->documentMargin()) +
                     2 * frameWidth() + 2;
  return {fontMetrics().averageCharWidth() * 40, height};
}

QSize PatternEdit::minimumSizeHint() const {
  return {fontMetrics().averageCharWidth() * 12, sizeHint().height()};
}

bool PatternEdit::event(QEvent* event) {
  if (event->type() == QEvent::ShortcutOverride) {
    auto* key = static_cast<QKeyEvent*>(event);
    if (key->matches(QKeySequence::Undo) || key->matches(QKeySequence::Redo)) {
      event->ignore();
      return true;
    }
    if (key->key() == Qt::Key_Escape) {
      event->accept();
      return true;
    }
  }
  return QPlainTextEdit::event(event);
}

void PatternEdit::keyPressEvent(QKeyEvent* event) {
  switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter:
      Q_EMIT accepted();
      return;
    case Qt::Key_Escape:
      Q_EMIT abandoned();
      return;
    case Qt::Key_Up:
    case Qt::Key_Down:
      event->ignore();
      return;
    default:
      QPlainTextEdit::keyPressEvent(event);
  }
}

void PatternEdit::wheelEvent(QWheelEvent* event) { event->ignore(); }

void PatternEdit::insertFromMimeData(const QMimeData* source) {
  if (source->hasText()) insertPlainText(source->text().simplified());
}

void PatternEdit::changeEvent(QEvent* event) {
  QPlainTextEdit::changeEvent(event);
  if (event->type() != QEvent::PaletteChange || highlighter_ == nullptr) return;
  following_ = true;
  highlighter_->setPalette(palette());
  highlighter_->rehighlight();
  following_ = false;
  check();
}

}  // namespace widgets
