// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/text/pattern_highlighter.h"

#include "engine/transform/pattern_lints.h"
#include "widgets/style/theme.h"
#include "widgets/text/text_map.h"

#include <QPalette>

namespace widgets {

void PatternHighlighter::setPalette(const QPalette& palette) {
  syntax_.setForeground(palette.color(QPalette::Link));
  escape_.setForeground(muted_text(palette));
  wildcard_.setForeground(theme_colors(palette).warning);
  wildcard_.setFontWeight(QFont::Bold);
}

void PatternHighlighter::highlightBlock(const QString& text) {
  if (!use_regex_) return;
  bool in_class = false;
  for (qsizetype i = 0; i < text.size(); ++i) {
    const QChar one = text[i];
    const int at = static_cast<int>(i);
    if (one == QLatin1Char('\\') && i + 1 < text.size()) {
      setFormat(at, text[i + 1].isLetterOrNumber() ? 2 : 1,
                text[i + 1].isLetterOrNumber() ? syntax_ : escape_);
      ++i;
    } else if (in_class) {
      setFormat(at, 1, syntax_);
      in_class = one != QLatin1Char(']');
    } else if (one == QLatin1Char('[')) {
      setFormat(at, 1, syntax_);
      in_class = true;
    } else if (QStringLiteral("()|*+?{}^$.").contains(one)) {
      setFormat(at, 1, syntax_);
    }
  }
  const std::string bytes = text.toStdString();
  const TextMap map(bytes);
  for (const std::size_t dot : engine::bare_dots(bytes)) {
    setFormat(static_cast<int>(map.position(dot)), 1, wildcard_);
  }
}

}  // namespace widgets
