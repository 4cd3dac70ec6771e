// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/pattern_delegate.h"

#include "widgets/models/rule_editor.h"
#include "widgets/models/transform_document.h"
#include "widgets/models/transform_rules_model.h"
#include "widgets/text/pattern_edit.h"

#include <QKeyEvent>
#include <QUndoStack>

#include <algorithm>

namespace widgets {
namespace {

constexpr const char* kLoaded = "loaded";

}  // namespace

PatternDelegate::PatternDelegate(RuleEditor* editor, QObject* parent)
    : RowDelegate(parent, Qt::ElideMiddle), editor_(editor) {}

QWidget* PatternDelegate::createEditor(QWidget* parent, const QStyleOptionViewItem&,
                                       const QModelIndex& index) const {
  auto* edit = new PatternEdit(parent);
  edit->setObjectName(QStringLiteral("rules.pattern"));
  edit->setAccessibleName(tr("Pattern of rule %1")
                              .arg(index.siblingAtColumn(TransformRulesModel::kNumber)
                                       .data(Qt::DisplayRole)
                                       .toString()));
  edit->setAutoFillBackground(true);
  const auto& view = editor_->view();
  edit->setUseRegex(view->transform == nullptr || view->transform->config.use_regex);
  const int rule = index.data(TransformRulesModel::kRuleRole).toInt();
  auto* document = editor_->document();
  document->endMerge();
  const int steps = document->undoStack()->index();
  connect(edit, &PatternEdit::patternEdited, this,
          [this, rule](const QString& pattern) { editor_->setPattern(rule, pattern); });
  auto* self = const_cast<PatternDelegate*>(this);
  connect(edit, &PatternEdit::accepted, this, [self, document, edit] {
    document->endMerge();
    Q_EMIT self->closeEditor(edit, NoHint);
  });
  connect(edit, &PatternEdit::abandoned, this, [self, document, edit, steps] {
    document->endMerge();
    while (document->undoStack()->index() > steps) document->undoStack()->undo();
    Q_EMIT self->closeEditor(edit, RevertModelCache);
  });
  return edit;
}

void PatternDelegate::setEditorData(QWidget* editor, const QModelIndex& index) const {
  auto* edit = static_cast<PatternEdit*>(editor);
  if (edit->property(kLoaded).toBool()) return;  // from here on it is the user's
  edit->setProperty(kLoaded, true);
  edit->setPattern(index.data(Qt::EditRole).toString());
  edit->selectAllText();
}

void PatternDelegate::setModelData(QWidget*, QAbstractItemModel*, const QModelIndex&) const {
  editor_->document()->endMerge();  // each keystroke was written already
}

bool PatternDelegate::eventFilter(QObject* watched, QEvent* event) {
  // Esc is the editor's own: it has keystrokes to take back before it closes.
  auto* edit = qobject_cast<PatternEdit*>(watched);
  if (edit != nullptr && event->type() == QEvent::KeyPress &&
      static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape) {
    return false;
  }
  return RowDelegate::eventFilter(watched, event);
}

void PatternDelegate::updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option,
                                           const QModelIndex&) const {
  QRect place = option.rect;
  const int height = std::max(place.height(), editor->sizeHint().height());
  place.setTop(place.top() - (height - place.height()) / 2);
  place.setHeight(height);
  editor->setGeometry(place);
}

}  // namespace widgets
