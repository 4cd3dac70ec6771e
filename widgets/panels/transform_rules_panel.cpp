// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/transform_rules_panel.h"

#include "widgets/models/selection.h"
#include "widgets/models/transform_rules_model.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/panels/message_bar.h"
#include "widgets/style/metrics.h"

#include <QAction>
#include <QFileInfo>
#include <QItemSelectionModel>
#include <QLabel>
#include <QTreeView>
#include <QVBoxLayout>

namespace widgets {

TransformRulesPanel::TransformRulesPanel(Selection* selection, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      model_(new TransformRulesModel(this)),
      messages_(new MessageBar(this)),
      list_(new QTreeView),
      summary_(new QLabel) {
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(lines(this, 0.25));
  list_->setObjectName(QStringLiteral("rules.list"));
  list_->setAccessibleName(tr("Rules"));
  list_->setModel(model_);
  set_up_list(list_);
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->setItemDelegateForColumn(TransformRulesModel::kPattern,
                                  new RowDelegate(list_, Qt::ElideMiddle));
  set_column_widths(list_, TransformRulesModel::kPattern,
                    {{TransformRulesModel::kNumber, 4},
                     {TransformRulesModel::kParadigm, 21},
                     {TransformRulesModel::kValues, 24},
                     {TransformRulesModel::kMatched, 11},
                     {TransformRulesModel::kWon, 8},
                     {TransformRulesModel::kShadowed, 12}});
  column->addWidget(list_, 1);
  summary_->setContentsMargins(lines(this, 0.4), 0, 0, lines(this, 0.25));
  column->addWidget(summary_);

  empty_ = new EmptyState(content, tr("Open a transform file to see which rule wins each layer."));
  connect(empty_->addButton(tr("Open a &transform file…"), QStringLiteral("config")),
          &QAction::triggered, this, &TransformRulesPanel::openRequested);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->setSpacing(0);
  outer->addWidget(messages_);
  outer->addWidget(empty_, 1);

  connect(list_->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
    QStringList layers;
    for (const auto& index : list_->selectionModel()->selectedRows()) {
      layers << index.data(TransformRulesModel::kLayersRole).toStringList();
    }
    if (!layers.isEmpty()) selection_->setLayers(layers);
  });
}

void TransformRulesPanel::setView(PlanViewPtr view) {
  model_->setView(view);
  const bool is_open = view->transform != nullptr;
  empty_->setEmpty(!is_open);
  if (!is_open) return;
  const QString file = QString::fromStdString(view->transform->config.file);
  QString text = tr("%1 · first match in this order wins").arg(QFileInfo(file).fileName());
  if (!view->has_plan()) text += tr(" · counts appear as soon as a checkpoint is open");
  summary_->setText(text);
  summary_->setToolTip(file);
}

void TransformRulesPanel::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  list_->setColumnHidden(TransformRulesModel::kValues, width() < characters(this, 105));
  list_->setColumnHidden(TransformRulesModel::kParadigm, width() < characters(this, 82));
}

}  // namespace widgets
