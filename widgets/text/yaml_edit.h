// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/text_edit.h"
#include "widgets/text/text_map.h"

#include <QPlainTextEdit>
#include <QString>

#include <memory>
#include <optional>
#include <vector>

namespace widgets {

class YamlHighlighter;

/// A text editor over bytes that it does not own: it shows them, and tells what the user changed as
/// a patch of them. Line ends and characters that were not touched stay as they were. It has no
/// undo of its own; Undo and Redo go to the window's actions. Beside each line a short remark can
/// stand; problems are underlined.
class YamlEdit : public QPlainTextEdit {
  Q_OBJECT

 public:
  struct Remark {
    int line = 0;  ///< from 1
    QString text;
    QString tool_tip;
    bool is_alarming = false;
  };
  struct Mark {
    std::size_t begin = 0;  ///< bytes
    std::size_t end = 0;    ///< behind the last byte; at least one character is underlined
    bool is_error = false;
    QString tool_tip;
  };

  explicit YamlEdit(QWidget* parent = nullptr);

  /// Shows these bytes; only what differs is replaced, so that cursor and view stay.
  void setBytes(const std::string& bytes);
  const TextMap& map() const { return *map_; }

  void setRemarks(std::vector<Remark> remarks);
  void setMarks(std::vector<Mark> marks);
  /// Lines that belong together and are set off, 1-based; 0 = none.
  void setChosenLines(int first, int last);
  /// Remarks and marks belong to an earlier text.
  void setStale(bool stale);
  void showByte(std::size_t offset);  ///< moves the cursor there and takes the focus

  int gutterWidth() const;
  void paintGutter(QPaintEvent* event);

 Q_SIGNALS:
  void edited(const engine::TextEdit& edit);
  void lineChosen(int line);  ///< Ctrl+click, 1-based

 protected:
  bool event(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;
  bool canInsertFromMimeData(const QMimeData* source) const override;  ///< files are for the window
  void insertFromMimeData(const QMimeData* source) override;

 private:
  class Gutter;

  QString shownNow() const;
  void reportChange();
  void layOutGutter();
  void showSelections();
  void applyTheme();

  std::unique_ptr<TextMap> map_;
  YamlHighlighter* highlighter_;
  Gutter* gutter_;
  std::vector<Remark> remarks_;
  std::vector<Mark> marks_;
  int first_line_ = 0;
  int last_line_ = 0;
  bool is_stale_ = false;
  bool following_ = false;
};

}  // namespace widgets
