// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSyntaxHighlighter>

#include <vector>

class QPalette;

namespace widgets {

/// Colours a pattern: groups, classes and quantifiers; escapes fainter, since `\.` is the usual
/// dot; a dot that matches any character in the colour of warnings. No colours for equality.
class PatternHighlighter : public QSyntaxHighlighter {
  Q_OBJECT

 public:
  explicit PatternHighlighter(QTextDocument* document) : QSyntaxHighlighter(document) {}

  void setPalette(const QPalette& palette);
  void setUseRegex(bool use_regex) { use_regex_ = use_regex; }

 protected:
  void highlightBlock(const QString& text) override;

 private:
  QTextCharFormat syntax_;
  QTextCharFormat escape_;
  QTextCharFormat wildcard_;
  bool use_regex_ = true;
};

}  // namespace widgets
