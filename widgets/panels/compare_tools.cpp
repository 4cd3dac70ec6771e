// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_tools.h"

#include "widgets/panels/tool_row.h"
#include "widgets/style/theme.h"

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QToolButton>

namespace widgets {

CompareTools::CompareTools(QWidget* parent)
    : QWidget(parent),
      metric_(make_choice(QStringLiteral("compare.metric"), tr("Metric"), tr("What is compared"))),
      statistic_(make_choice(QStringLiteral("compare.statistic"), tr("Statistic"),
                             tr("The number of a curve that the table and the verdicts are about; "
                                "also mean:K and at:STEP of your own"))),
      axis_(make_choice(QStringLiteral("compare.axis"), tr("Horizontal axis"),
                        tr("What curves run over"))),
      means_(make_tool(tr("Mean of seeds"), QString(), QStringLiteral("compare.grouped"),
                       tr("Runs that differ only in their seeds as one mean, with one standard "
                          "deviation of a run around it (over steps)"))),
      filter_(new QLineEdit),
      found_(new QLabel) {
  makeChoices();
  filter_->setObjectName(QStringLiteral("compare.filter"));
  filter_->setAccessibleName(tr("Filter runs"));
  filter_->setPlaceholderText(tr("Filter: words, q_levels=64, eval_loss<2.3"));
  filter_->setToolTip(
      tr("Words of a row, its tags and notes among them; comparisons of recorded quantities, with "
         "arithmetic: eval_loss < loss + 0.1, macs > 1e6, state = failed, tags = paper. All must "
         "hold."));
  filter_->setClearButtonEnabled(true);
  found_->setObjectName(QStringLiteral("compare.found"));
  means_->setCheckable(true);
  means_->setChecked(true);
  auto* add = make_tool(tr("Add"), QStringLiteral("folder"), QStringLiteral("compare.add"),
                        tr("Add run folders, or logs of other trainers"));
  auto* save = make_tool(tr("Export"), QStringLiteral("save"), QStringLiteral("compare.export"),
                         tr("Write figures, data, configurations and a page to one folder"));
  auto* row = make_tool_row(this);
  for (QWidget* part : std::initializer_list<QWidget*>{metric_, statistic_, axis_, means_})
    row->addWidget(part);
  row->addWidget(filter_, 1);
  for (QWidget* part : std::initializer_list<QWidget*>{found_, add, save}) row->addWidget(part);
  setLayout(row);
  connect(means_, &QToolButton::toggled, this, &CompareTools::meansToggled);
  connect(filter_, &QLineEdit::textChanged, this, &CompareTools::filterChanged);
  connect(add, &QToolButton::clicked, this, &CompareTools::addRequested);
  connect(save, &QToolButton::clicked, this, &CompareTools::exportRequested);
}

void CompareTools::makeChoices() {
  metric_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  statistic_->setEditable(true);
  statistic_->setInsertPolicy(QComboBox::NoInsert);
  statistic_->addItems({QStringLiteral("last"), QStringLiteral("min"), QStringLiteral("max"),
                        QStringLiteral("mean:10"), QStringLiteral("at:100")});
  axis_->addItem(tr("over steps"), int(engine::XAxis::step));
  axis_->addItem(tr("over tokens"), int(engine::XAxis::tokens));
  axis_->addItem(tr("over time"), int(engine::XAxis::time));
  axis_->addItem(tr("over FLOPs"), int(engine::XAxis::flops));
  for (QComboBox* box : {metric_, axis_, statistic_})
    connect(box, &QComboBox::activated, this, &CompareTools::optionsChanged);
  connect(statistic_->lineEdit(), &QLineEdit::editingFinished, this, &CompareTools::optionsChanged);
}

void CompareTools::setMetrics(const QStringList& metrics, const QString& preferred) {
  const QString chosen = metric_->count() > 0 ? metric_->currentText() : preferred;
  metric_->clear();
  metric_->addItems(metrics);
  metric_->setCurrentText(metrics.contains(chosen) ? chosen : metrics.value(0));
}

engine::ComparisonOptions CompareTools::options() const {
  engine::ComparisonOptions options;
  if (metric_->count() > 0) {
    options.metrics.push_back(metric_->currentText().toStdString());
    for (const char* other : {"eval_loss", "loss"}) {
      if (options.metrics.front() != other && metric_->findText(QLatin1String(other)) >= 0)
        options.metrics.push_back(other);
    }
  }
  options.statistic = engine::parse_statistic(statistic_->currentText().toStdString(), "statistic");
  options.axis = static_cast<engine::XAxis>(axis_->currentData().toInt());
  return options;
}

bool CompareTools::showsMeans() const { return means_->isChecked(); }

void CompareTools::setFound(const QString& text, bool is_error) {
  found_->setText(text);
  found_->setVisible(!text.isEmpty());
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText,
                  is_error ? theme_colors(palette()).error : muted_text(palette()));
  found_->setPalette(colors);
}

}  // namespace widgets
