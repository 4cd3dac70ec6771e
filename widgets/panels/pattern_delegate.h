// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/panels/item_views.h"

namespace widgets {

class RuleEditor;

/// Edits the pattern of a rule in its row. Each keystroke is in effect at once, so that the counts
/// follow; Enter keeps it, Esc takes the whole edit back.
class PatternDelegate : public RowDelegate {
  Q_OBJECT

 public:
  PatternDelegate(RuleEditor* editor, QObject* parent);

  QWidget* createEditor(QWidget* parent, const QStyleOptionViewItem& option,
                        const QModelIndex& index) const override;
  void setEditorData(QWidget* editor, const QModelIndex& index) const override;
  void setModelData(QWidget* editor, QAbstractItemModel* model,
                    const QModelIndex& index) const override;
  void updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option,
                            const QModelIndex& index) const override;

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  RuleEditor* editor_;
};

}  // namespace widgets
