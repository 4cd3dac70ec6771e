// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/transform_rules_panel.h"

#include "widgets/models/rule_editor.h"
#include "widgets/models/selection.h"
#include "widgets/models/transform_document.h"
#include "widgets/models/transform_rules_model.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/pattern_delegate.h"
#include "widgets/panels/rule_list_view.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QAction>
#include <QFileInfo>
#include <QItemSelectionModel>
#include <QLabel>
#include <QToolBar>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace widgets {

TransformRulesPanel::TransformRulesPanel(Selection* selection, RuleEditor* editor, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      editor_(editor),
      model_(new TransformRulesModel(editor, this)),
      messages_(new MessageBar(this)),
      list_(new RuleListView),
      summary_(new QLabel) {
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  list_->setObjectName(QStringLiteral("rules.list"));
  list_->setAccessibleName(tr("Rules"));
  list_->setModel(model_);
  set_up_list(list_);
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->setEditTriggers(QAbstractItemView::DoubleClicked);
  list_->setContextMenuPolicy(Qt::ActionsContextMenu);
  list_->setItemDelegateForColumn(TransformRulesModel::kPattern,
                                  new PatternDelegate(editor_, list_));
  set_column_widths(list_, TransformRulesModel::kPattern,
                    {{TransformRulesModel::kNumber, 4},
                     {TransformRulesModel::kParadigm, 21},
                     {TransformRulesModel::kValues, 24},
                     {TransformRulesModel::kMatched, 11},
                     {TransformRulesModel::kWon, 8},
                     {TransformRulesModel::kShadowed, 12}});
  makeActions();
  auto* bar = new QToolBar;
  const int icon = lines(this, 0.95);
  bar->setIconSize(QSize(icon, icon));
  bar->addActions({actions_.add, actions_.duplicate, actions_.remove});
  bar->addSeparator();
  bar->addActions({actions_.move_up, actions_.move_down});
  bar->addSeparator();
  bar->addActions({actions_.leave_alone, actions_.edit_pattern});
  for (auto* button : bar->findChildren<QToolButton*>()) {
    if (button->defaultAction() == nullptr) continue;
    button->setAccessibleName(button->defaultAction()->text().remove(QLatin1Char('&')));
    button->setFocusPolicy(Qt::TabFocus);
  }
  column->addWidget(bar);
  column->addWidget(list_, 1);
  summary_->setObjectName(QStringLiteral("rules.summary"));
  summary_->setContentsMargins(lines(this, 0.4), lines(this, 0.15), 0, lines(this, 0.25));
  summary_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  column->addWidget(summary_);

  empty_ = new EmptyState(
      content, tr("A transform file says which layers run on which simulated hardware."));
  connect(empty_->addButton(tr("&New transform"), QStringLiteral("config")), &QAction::triggered,
          this, &TransformRulesPanel::newRequested);
  connect(empty_->addButton(tr("Start from a &preset…"), QStringLiteral("copy")),
          &QAction::triggered, this, &TransformRulesPanel::presetsRequested);
  connect(empty_->addButton(tr("Open a &transform file…"), QStringLiteral("open")),
          &QAction::triggered, this, &TransformRulesPanel::openRequested);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->setSpacing(0);
  outer->addWidget(messages_);
  outer->addWidget(empty_, 1);

  connect(list_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
          &TransformRulesPanel::takeSelection);
  connect(list_, &QAbstractItemView::clicked, this, &TransformRulesPanel::takeSelection);
  connect(selection_, &Selection::rulesChanged, this, &TransformRulesPanel::showSelection);
  connect(editor_, &RuleEditor::refused, messages_, &MessageBar::showProblem);
  connect(editor_->document(), &TransformDocument::textChanged, messages_, &MessageBar::dismiss);
  connect(model_, &TransformRulesModel::ruleMoved, this,
          [this](int to) { selection_->setRules({to}); });
  connect(model_, &TransformRulesModel::layersDropped, this, &TransformRulesPanel::layersDropped);
  connect(model_, &TransformRulesModel::layersDroppedOn, this,
          &TransformRulesPanel::layersDroppedOn);
  connect(list_, &RuleListView::ruleHovered, this, [this](int rule, int gap) {
    int to = model_->ruleAtGap(gap);
    if (to > rule) --to;
    Q_EMIT previewRequested(rule, to);
  });
  connect(list_, &RuleListView::hoverEnded, this, [this] { Q_EMIT previewRequested(0, 0); });
  updateActions();
}

QTreeView* TransformRulesPanel::list() const { return list_; }

void TransformRulesPanel::setTopBar(QWidget* bar) {
  static_cast<QVBoxLayout*>(layout())->insertWidget(1, bar);
}

void TransformRulesPanel::makeActions() {
  const auto make = [this](const char* name, const QString& text, const QString& tip,
                           const QString& icon, const QKeySequence& keys) {
    auto* action = new QAction(symbol_icon(icon), text, list_);
    action->setObjectName(QStringLiteral("rules.") + QLatin1String(name));
    action->setShortcut(keys);
    action->setShortcutContext(Qt::WidgetShortcut);
    action->setToolTip(QStringLiteral("%1 (%2)").arg(tip, keys.toString(QKeySequence::NativeText)));
    list_->addAction(action);
    return action;
  };
  actions_.add = make("add", tr("&New rule"), tr("Make a rule of the selected layers"),
                      QStringLiteral("add"), QKeySequence(Qt::Key_Insert));
  actions_.duplicate = make("duplicate", tr("D&uplicate"), tr("Put a copy below the rule"),
                            QStringLiteral("copy"), QKeySequence(Qt::CTRL | Qt::Key_D));
  actions_.remove = make("delete", tr("&Delete"), tr("Delete the rules"), QStringLiteral("delete"),
                         QKeySequence::Delete);
  actions_.move_up = make("up", tr("Move u&p"), tr("Let the rule come earlier"),
                          QStringLiteral("up"), QKeySequence(Qt::ALT | Qt::Key_Up));
  actions_.move_down = make("down", tr("Move d&own"), tr("Let the rule come later"),
                            QStringLiteral("down"), QKeySequence(Qt::ALT | Qt::Key_Down));
  actions_.leave_alone = make("leave_alone", tr("&Leave alone"),
                              tr("Leave the layers of the rule alone, or transform them again"),
                              QStringLiteral("leave"), QKeySequence(Qt::Key_Space));
  actions_.leave_alone->setCheckable(true);
  actions_.edit_pattern = make("edit", tr("&Edit the pattern"), tr("Edit the pattern in its row"),
                               QStringLiteral("pencil"), QKeySequence(Qt::Key_F2));
  actions_.go_to_form = make("form", tr("Go to the &values"), tr("Edit the values of the rule"),
                             QStringLiteral("config"), QKeySequence(Qt::Key_Return));

  connect(actions_.add, &QAction::triggered, this,
          [this] { Q_EMIT addRequested(placeForNewRule()); });
  connect(actions_.duplicate, &QAction::triggered, this, [this] {
    const int copy = editor_->duplicate(chosen_.last());
    if (copy >= 0) selection_->setRules({copy});
  });
  connect(actions_.remove, &QAction::triggered, this, [this] {
    const int first = chosen_.first();
    if (editor_->remove(chosen_)) {
      selection_->setRules({std::min(first, std::max(editor_->ruleCount() - 1, 0))});
    }
  });
  connect(actions_.move_up, &QAction::triggered, this, [this] { move(-1); });
  connect(actions_.move_down, &QAction::triggered, this, [this] { move(1); });
  connect(actions_.leave_alone, &QAction::triggered, this, [this] {
    const auto* first = model_->view()->rule(chosen_.first());
    if (first != nullptr) editor_->setLeaveAlone(chosen_, !first->leave_alone);
  });
  connect(actions_.edit_pattern, &QAction::triggered, this, [this] {
    list_->edit(model_->index(model_->rowOf(chosen_.first()), TransformRulesModel::kPattern));
  });
  connect(actions_.go_to_form, &QAction::triggered, this, &TransformRulesPanel::formRequested);
}

void TransformRulesPanel::move(int step) {
  const int row = model_->rowOf(chosen_.first());
  const QModelIndex other = model_->index(row + step, 0);
  const int to = other.data(TransformRulesModel::kRuleRole).toInt();
  if (other.isValid() && editor_->move(chosen_.first(), to)) selection_->setRules({to});
}

int TransformRulesPanel::placeForNewRule() const {
  return chosen_.isEmpty() ? model_->ruleAtGap(model_->rowCount())
                           : model_->ruleAtGap(model_->rowOf(chosen_.first()));
}

void TransformRulesPanel::setView(PlanViewPtr view) {
  following_ = true;
  model_->setView(view);
  following_ = false;
  const bool is_open = view->transform != nullptr;
  empty_->setEmpty(!is_open);
  if (is_open) {
    QString text = tr("first match in this order wins");
    if (view->is_stale) {
      text = tr("The text does not parse: these are the last rules that could be read.");
    } else if (!view->has_plan()) {
      text += tr(" · counts appear as soon as a checkpoint is open");
    }
    QPalette colors = palette();
    colors.setColor(QPalette::WindowText,
                    view->is_stale ? theme_colors(palette()).error : muted_text(palette()));
    summary_->setPalette(colors);
    summary_->setText(text);
    summary_->setToolTip(QString::fromStdString(view->transform->config.file));
  }
  showSelection();
}

void TransformRulesPanel::takeSelection() {
  if (following_) return;
  chosen_.clear();
  QStringList layers;
  for (const auto& index : list_->selectionModel()->selectedRows()) {
    chosen_ << index.data(TransformRulesModel::kRuleRole).toInt();
    layers << index.data(TransformRulesModel::kLayersRole).toStringList();
  }
  following_ = true;
  selection_->setRules(chosen_);
  following_ = false;
  chosen_ = selection_->rules();
  updateActions();
  if (!layers.isEmpty()) selection_->setLayers(layers);
}

void TransformRulesPanel::showSelection() {
  if (following_) return;
  following_ = true;
  chosen_.clear();
  QItemSelection rows;
  for (const int rule : selection_->rules()) {
    const int row = model_->rowOf(rule);
    if (row < 0) continue;
    chosen_ << rule;
    rows.select(model_->index(row, 0), model_->index(row, 0));
  }
  auto* chosen = list_->selectionModel();
  QList<int> shown;
  for (const auto& index : chosen->selectedRows()) {
    shown << index.data(TransformRulesModel::kRuleRole).toInt();
  }
  std::sort(shown.begin(), shown.end());
  if (shown != chosen_) {
    chosen->select(rows, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
  }
  const QModelIndex current = list_->currentIndex().siblingAtColumn(0);
  if (!rows.isEmpty() && !rows.contains(current)) {
    chosen->setCurrentIndex(rows.indexes().front(), QItemSelectionModel::NoUpdate);
    list_->scrollTo(rows.indexes().front());
  }
  following_ = false;
  updateActions();
}

void TransformRulesPanel::updateActions() {
  const auto& view = model_->view();
  const bool can_edit = view != nullptr && view->transform != nullptr && !view->is_stale &&
                        editor_->canEdit();
  const auto* first = can_edit && !chosen_.isEmpty() ? view->rule(chosen_.first()) : nullptr;
  const bool one = first != nullptr && chosen_.size() == 1 && !first->is_default();
  const int row = chosen_.isEmpty() ? -1 : model_->rowOf(chosen_.first());
  const auto is_rule = [&](int at) {
    const QModelIndex index = model_->index(at, 0);
    const auto* rule =
        index.isValid() ? view->rule(index.data(TransformRulesModel::kRuleRole).toInt()) : nullptr;
    return rule != nullptr && !rule->is_default();
  };
  actions_.add->setEnabled(can_edit);
  actions_.duplicate->setEnabled(one);
  actions_.remove->setEnabled(first != nullptr);
  actions_.move_up->setEnabled(one && is_rule(row - 1));
  actions_.move_down->setEnabled(one && is_rule(row + 1));
  actions_.leave_alone->setEnabled(first != nullptr);
  actions_.leave_alone->setChecked(first != nullptr && first->leave_alone);
  actions_.edit_pattern->setEnabled(one);
  actions_.go_to_form->setEnabled(first != nullptr);
}

void TransformRulesPanel::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  list_->setColumnHidden(TransformRulesModel::kValues, width() < characters(this, 105));
  list_->setColumnHidden(TransformRulesModel::kParadigm, width() < characters(this, 82));
}

}  // namespace widgets
