// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSyntaxHighlighter>
#include <QTextCharFormat>

class QPalette;

namespace widgets {

/// Colours a transform file: comments, keys, what a value is. Line by line, so that a text which
/// does not parse keeps its colours.
class YamlHighlighter : public QSyntaxHighlighter {
  Q_OBJECT

 public:
  YamlHighlighter(QTextDocument* document, const QPalette& palette);

  void setPalette(const QPalette& palette);

 protected:
  void highlightBlock(const QString& text) override;

 private:
  void highlightValue(const QString& text, qsizetype begin, qsizetype end);

  QTextCharFormat comment_;
  QTextCharFormat key_;
  QTextCharFormat value_;
  QTextCharFormat mark_;  ///< anchors, aliases, merge keys, tags
};

}  // namespace widgets
