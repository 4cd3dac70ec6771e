// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPlainTextEdit>
#include <QString>

namespace widgets {

class PatternHighlighter;

/// One line in which a pattern of layer names is written: what has a meaning in it is coloured, a
/// dot that matches any character stands out, and where it does not compile a wave stands under the
/// place. The verdict is the engine's own matcher's.
class PatternEdit : public QPlainTextEdit {
  Q_OBJECT

 public:
  explicit PatternEdit(QWidget* parent = nullptr);

  QString pattern() const;
  void setPattern(const QString& pattern);  ///< patternEdited() is not emitted
  void setUseRegex(bool use_regex);
  void selectAllText();
  /// Why it does not compile, or "".
  QString errorText() const { return error_; }

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void patternEdited(const QString& pattern);
  void accepted();   ///< Enter
  void abandoned();  ///< Esc

 protected:
  bool event(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void changeEvent(QEvent* event) override;
  void insertFromMimeData(const QMimeData* source) override;

 private:
  void check();

  PatternHighlighter* highlighter_;
  bool use_regex_ = true;
  bool following_ = false;
  QString last_;
  QString error_;
};

}  // namespace widgets
