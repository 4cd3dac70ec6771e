// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/text/yaml_highlighter.h"

#include "widgets/style/theme.h"

#include <QPalette>

namespace widgets {
namespace {

/// Behind a quoted scalar that begins at `begin`, or the line's end when it goes on.
qsizetype quoted_end(const QString& text, qsizetype begin) {
  const QChar quote = text[begin];
  for (qsizetype i = begin + 1; i < text.size(); ++i) {
    if (quote == QLatin1Char('"') && text[i] == QLatin1Char('\\')) {
      ++i;
    } else if (text[i] == quote) {
      if (quote == QLatin1Char('\'') && i + 1 < text.size() && text[i + 1] == quote) {
        ++i;
      } else {
        return i + 1;
      }
    }
  }
  return text.size();
}

bool is_blank(const QString& text, qsizetype at) {
  return at < 0 || at >= text.size() || text[at].isSpace();
}

struct LineParts {
  qsizetype key_begin = 0;
  qsizetype key_end = -1;  ///< -1: the line holds no key
  qsizetype comment = 0;   ///< begin of the comment, or the line's end
};

LineParts parts_of(const QString& text) {
  LineParts parts;
  parts.comment = text.size();
  while (parts.key_begin < text.size() && is_blank(text, parts.key_begin)) ++parts.key_begin;
  for (qsizetype i = parts.key_begin; i < text.size(); ++i) {
    const QChar one = text[i];
    const bool begins = i == parts.key_begin || is_blank(text, i - 1) ||
                        text[i - 1] == QLatin1Char('{') || text[i - 1] == QLatin1Char('[') ||
                        text[i - 1] == QLatin1Char(',');
    if ((one == QLatin1Char('\'') || one == QLatin1Char('"')) && begins) {
      i = quoted_end(text, i) - 1;
    } else if (one == QLatin1Char('#') && is_blank(text, i - 1)) {
      parts.comment = i;
      break;
    } else if (one == QLatin1Char(':') && is_blank(text, i + 1) && parts.key_end < 0) {
      parts.key_end = i;
    }
  }
  return parts;
}

}  // namespace

YamlHighlighter::YamlHighlighter(QTextDocument* document, const QPalette& palette)
    : QSyntaxHighlighter(document) {
  setPalette(palette);
}

void YamlHighlighter::setPalette(const QPalette& palette) {
  comment_.setForeground(muted_text(palette));
  comment_.setFontItalic(true);
  key_.setForeground(palette.color(QPalette::Text));
  value_.setForeground(palette.color(QPalette::Link));
  mark_.setForeground(theme_colors(palette).warning);
  rehighlight();
}

void YamlHighlighter::highlightValue(const QString& text, qsizetype begin, qsizetype end) {
  for (qsizetype i = begin; i < end; ++i) {
    const QChar one = text[i];
    if (one.isSpace()) continue;
    qsizetype stop = i;
    if (one == QLatin1Char('\'') || one == QLatin1Char('"')) {
      stop = quoted_end(text, i);
    } else {
      while (stop < end && !text[stop].isSpace() && text[stop] != QLatin1Char(',')) ++stop;
    }
    const bool is_mark =
        one == QLatin1Char('&') || one == QLatin1Char('*') || one == QLatin1Char('!');
    setFormat(static_cast<int>(i), static_cast<int>(stop - i), is_mark ? mark_ : value_);
    i = stop;
  }
}

void YamlHighlighter::highlightBlock(const QString& text) {
  const LineParts parts = parts_of(text);
  if (parts.key_end >= 0) {
    const QString key = text.mid(parts.key_begin, parts.key_end - parts.key_begin).trimmed();
    setFormat(static_cast<int>(parts.key_begin), static_cast<int>(parts.key_end - parts.key_begin),
              key == QLatin1String("<<") ? mark_ : key_);
    highlightValue(text, parts.key_end + 1, parts.comment);
  } else {
    highlightValue(text, parts.key_begin, parts.comment);
  }
  setFormat(static_cast<int>(parts.comment), static_cast<int>(text.size() - parts.comment),
            comment_);
}

}  // namespace widgets
