// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/text/yaml_edit.h"

#include "widgets/style/metrics.h"
#include "widgets/style/theme.h"
#include "widgets/text/yaml_highlighter.h"

#include <QFontDatabase>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMimeData>
#include <QPainter>
#include <QTextBlock>
#include <QToolTip>

#include <algorithm>

namespace widgets {
namespace {

/// Common beginning and end of two texts, on whole surrogate pairs.
struct Common {
  qsizetype front = 0;
  qsizetype back = 0;
};

Common common(const QString& one, const QString& other) {
  const qsizetype shorter = std::min(one.size(), other.size());
  Common found;
  while (found.front < shorter && one[found.front] == other[found.front]) ++found.front;
  if (found.front > 0 && one[found.front - 1].isHighSurrogate()) --found.front;
  while (found.back < shorter - found.front &&
         one[one.size() - 1 - found.back] == other[other.size() - 1 - found.back]) {
    ++found.back;
  }
  if (found.back > 0 && one[one.size() - found.back].isLowSurrogate()) --found.back;
  return found;
}

}  // namespace

class YamlEdit::Gutter : public QWidget {
 public:
  explicit Gutter(YamlEdit* edit) : QWidget(edit), edit_(edit) {}
  QSize sizeHint() const override { return {edit_->gutterWidth(), 0}; }

 protected:
  void paintEvent(QPaintEvent* event) override { edit_->paintGutter(event); }
  bool event(QEvent* event) override {
    if (event->type() != QEvent::ToolTip) return QWidget::event(event);
    auto* help = static_cast<QHelpEvent*>(event);
    const int line = edit_->cursorForPosition({0, help->pos().y()}).blockNumber() + 1;
    for (const auto& remark : edit_->remarks_) {
      if (remark.line == line) QToolTip::showText(help->globalPos(), remark.tool_tip, this);
    }
    return true;
  }

 private:
  YamlEdit* edit_;
};

YamlEdit::YamlEdit(QWidget* parent)
    : QPlainTextEdit(parent),
      map_(std::make_unique<TextMap>(std::string())),
      highlighter_(new YamlHighlighter(document(), palette())),
      gutter_(new Gutter(this)) {
  setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  setUndoRedoEnabled(false);
  setLineWrapMode(NoWrap);
  setFrameShape(QFrame::NoFrame);
  setTabChangesFocus(true);  // YAML forbids tabs
  connect(document(), &QTextDocument::contentsChange, this, &YamlEdit::reportChange);
  connect(this, &QPlainTextEdit::blockCountChanged, this, &YamlEdit::layOutGutter);
  connect(this, &QPlainTextEdit::updateRequest, this, [this](const QRect& rect, int dy) {
    if (dy != 0) {
      gutter_->scroll(0, dy);
    } else {
      gutter_->update(0, rect.y(), gutter_->width(), rect.height());
    }
  });
  layOutGutter();
}

QString YamlEdit::shownNow() const {
  QString text = document()->toRawText();
  text.replace(QChar::ParagraphSeparator, QLatin1Char('\n'));
  return text;
}

void YamlEdit::setBytes(const std::string& bytes) {
  auto map = std::make_unique<TextMap>(bytes);
  const QString before = shownNow();
  const QString& after = map->shown();
  map_ = std::move(map);
  if (before == after) return;
  const Common same = common(before, after);
  following_ = true;
  QTextCursor change(document());
  change.setPosition(static_cast<int>(same.front));
  change.setPosition(static_cast<int>(before.size() - same.back), QTextCursor::KeepAnchor);
  change.insertText(after.mid(same.front, after.size() - same.front - same.back));
  following_ = false;
  showSelections();  // marks may have come before the bytes that they are of
}

void YamlEdit::reportChange() {
  if (following_) return;
  const QString& before = map_->shown();
  const QString after = shownNow();
  if (before == after) return;
  const Common same = common(before, after);
  QString inserted = after.mid(same.front, after.size() - same.front - same.back);
  inserted.replace(QLatin1Char('\n'), QString::fromStdString(map_->lineEnd()));
  engine::TextPatch patch;
  patch.offset = map_->byteOffset(same.front);
  patch.length = map_->byteOffset(before.size() - same.back) - patch.offset;
  patch.text = inserted.toStdString();
  Q_EMIT edited({tr("Edit the text").toStdString(), {patch}});
}

void YamlEdit::setRemarks(std::vector<Remark> remarks) {
  remarks_ = std::move(remarks);
  layOutGutter();
  gutter_->update();
}

void YamlEdit::setMarks(std::vector<Mark> marks) {
  marks_ = std::move(marks);
  showSelections();
}

void YamlEdit::setChosenLines(int first, int last) {
  first_line_ = first;
  last_line_ = last;
  showSelections();
  gutter_->update();
}

void YamlEdit::setStale(bool stale) {
  if (is_stale_ == stale) return;
  is_stale_ = stale;
  gutter_->update();
}

void YamlEdit::showSelections() {
  QList<QTextEdit::ExtraSelection> selections;
  if (first_line_ > 0) {
    const QColor back =
        blend(palette().color(QPalette::Highlight), palette().color(QPalette::Base), 0.10);
    for (int line = first_line_; line <= last_line_; ++line) {
      const QTextBlock block = document()->findBlockByNumber(line - 1);
      if (!block.isValid()) break;
      QTextEdit::ExtraSelection row;
      row.cursor = QTextCursor(block);
      row.format.setBackground(back);
      row.format.setProperty(QTextFormat::FullWidthSelection, true);
      selections << row;
    }
  }
  const auto& colors = theme_colors(palette());
  for (const auto& mark : marks_) {
    QTextEdit::ExtraSelection wave;
    wave.cursor = QTextCursor(document());
    const int size = document()->characterCount() - 1;
    int begin = std::min(static_cast<int>(map_->position(mark.begin)), size);
    int end = std::clamp(static_cast<int>(map_->position(mark.end)), begin, size);
    if (end == begin) end < size ? ++end : --begin;
    wave.cursor.setPosition(std::max(begin, 0));
    wave.cursor.setPosition(std::max(end, 0), QTextCursor::KeepAnchor);
    wave.format.setUnderlineStyle(QTextCharFormat::WaveUnderline);
    wave.format.setUnderlineColor(mark.is_error ? colors.error : colors.warning);
    selections << wave;
  }
  setExtraSelections(selections);
}

void YamlEdit::showByte(std::size_t offset) {
  QTextCursor cursor(document());
  cursor.setPosition(
      std::min(static_cast<int>(map_->position(offset)), document()->characterCount() - 1));
  setTextCursor(cursor);
  centerCursor();
  setFocus(Qt::OtherFocusReason);
}

int YamlEdit::gutterWidth() const {
  const QFontMetrics metrics = fontMetrics();
  const auto digits = QString::number(std::max(10, blockCount())).size();
  int remark = 0;
  for (const auto& one : remarks_) {
    remark = std::max(remark, metrics.horizontalAdvance(one.text));
  }
  const int gap = metrics.averageCharWidth();
  return gap * 2 + metrics.horizontalAdvance(QString(digits, QLatin1Char('9'))) +
         (remark > 0 ? remark + gap : 0);
}

void YamlEdit::layOutGutter() {
  setViewportMargins(gutterWidth(), 0, 0, 0);
  const QRect inside = contentsRect();
  gutter_->setGeometry(inside.left(), inside.top(), gutterWidth(), inside.height());
}

void YamlEdit::paintGutter(QPaintEvent* event) {
  QPainter painter(gutter_);
  const QPalette& shades = palette();
  painter.fillRect(event->rect(), shades.color(QPalette::AlternateBase));
  painter.setFont(font());
  const int gap = fontMetrics().averageCharWidth();
  const int number_width = fontMetrics().horizontalAdvance(
      QString(QString::number(std::max(10, blockCount())).size(), QLatin1Char('9')));
  const QColor muted = muted_text(shades);
  QTextBlock block = firstVisibleBlock();
  double top = blockBoundingGeometry(block).translated(contentOffset()).top();
  while (block.isValid() && top <= event->rect().bottom()) {
    const double height = blockBoundingRect(block).height();
    const int line = block.blockNumber() + 1;
    if (block.isVisible() && top + height >= event->rect().top()) {
      const QRectF row(0, top, gutter_->width(), height);
      if (line >= first_line_ && line <= last_line_) {
        painter.fillRect(QRectF(0, top, gap * 0.4, height), shades.color(QPalette::Highlight));
      }
      painter.setPen(muted);
      painter.drawText(QRectF(gap, top, number_width, height), Qt::AlignRight | Qt::AlignVCenter,
                       QString::number(line));
      for (const auto& remark : remarks_) {
        if (remark.line != line) continue;
        QColor ink =
            remark.is_alarming ? theme_colors(shades).warning : shades.color(QPalette::Link);
        if (is_stale_) ink = muted;
        painter.setPen(ink);
        painter.drawText(row.adjusted(0, 0, -gap, 0), Qt::AlignRight | Qt::AlignVCenter,
                         remark.text);
      }
    }
    top += height;
    block = block.next();
  }
  painter.setPen(QPen(theme_colors(shades).separator, 0));
  painter.drawLine(gutter_->width() - 1, event->rect().top(), gutter_->width() - 1,
                   event->rect().bottom());
}

bool YamlEdit::event(QEvent* event) {
  if (event->type() == QEvent::ShortcutOverride) {
    auto* key = static_cast<QKeyEvent*>(event);
    if (key->matches(QKeySequence::Undo) || key->matches(QKeySequence::Redo)) {
      event->ignore();
      return true;
    }
  }
  return QPlainTextEdit::event(event);
}

void YamlEdit::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Return && event->modifiers() == Qt::NoModifier) {
    // The next line begins where this one does, or deeper below a key without a value.
    const QString line = textCursor().block().text().left(textCursor().positionInBlock());
    qsizetype indent = 0;
    while (indent < line.size() && line[indent] == QLatin1Char(' ')) ++indent;
    const bool opens = line.trimmed().endsWith(QLatin1Char(':'));
    textCursor().insertText(QLatin1Char('\n') +
                            QString(indent + (opens ? 2 : 0), QLatin1Char(' ')));
    ensureCursorVisible();
    return;
  }
  QPlainTextEdit::keyPressEvent(event);
}

void YamlEdit::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton && event->modifiers().testFlag(Qt::ControlModifier)) {
    Q_EMIT lineChosen(cursorForPosition(event->pos()).blockNumber() + 1);
    return;
  }
  QPlainTextEdit::mousePressEvent(event);
}

void YamlEdit::resizeEvent(QResizeEvent* event) {
  QPlainTextEdit::resizeEvent(event);
  layOutGutter();
}

bool YamlEdit::canInsertFromMimeData(const QMimeData* source) const {
  return source->hasText() && !source->hasUrls();
}

void YamlEdit::insertFromMimeData(const QMimeData* source) {
  if (source->hasText()) insertPlainText(source->text());
}

void YamlEdit::changeEvent(QEvent* event) {
  QPlainTextEdit::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) applyTheme();
  if (event->type() == QEvent::FontChange) layOutGutter();
}

void YamlEdit::applyTheme() {
  following_ = true;  // colours are no change of the text
  highlighter_->setPalette(palette());
  following_ = false;
  showSelections();
  gutter_->update();
}

}  // namespace widgets
