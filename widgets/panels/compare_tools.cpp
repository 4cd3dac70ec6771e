// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_tools.h"

#include "engine/error.h"
#include "widgets/panels/tool_row.h"
#include "widgets/style/theme.h"

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QToolButton>

#include <utility>

namespace widgets {
namespace {

constexpr const char* kMetric = "metric";
constexpr const char* kStatistic = "statistic";
constexpr const char* kAxis = "axis";

}  // namespace

CompareTools::CompareTools(RunNotesPtr notes, QWidget* parent)
    : QWidget(parent),
      notes_(std::move(notes)),
      metric_(make_choice(QStringLiteral("compare.metric"), tr("Metric"), tr("What is compared"))),
      statistic_(make_choice(QStringLiteral("compare.statistic"), tr("Statistic"),
                             tr("The number of a curve that the table and the verdicts are about; "
                                "also mean:K and at:STEP of your own"))),
      axis_(make_choice(QStringLiteral("compare.axis"), tr("Horizontal axis"),
                        tr("What curves run over"))),
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
  auto* add = make_tool(tr("Add"), QStringLiteral("folder"), QStringLiteral("compare.add"),
                        tr("Add run folders, or logs of other trainers"));
  auto* save = make_tool(tr("Export"), QStringLiteral("save"), QStringLiteral("compare.export"),
                         tr("Write figures, data, configurations and a page to one folder"));
  auto* row = make_tool_row(this);
  for (QWidget* part : std::initializer_list<QWidget*>{metric_, statistic_, axis_})
    row->addWidget(part);
  row->addWidget(filter_, 1);
  for (QWidget* part : std::initializer_list<QWidget*>{found_, add, save}) row->addWidget(part);
  setLayout(row);
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
  connect(metric_, &QComboBox::activated, this,
          [this] { remember(kMetric, metric_->currentText()); });
  connect(axis_, &QComboBox::activated, this, [this] {
    const auto axis = static_cast<engine::XAxis>(axis_->currentData().toInt());
    remember(kAxis, QLatin1String(engine::to_string(axis)));
  });
  const auto take_statistic = [this] { remember(kStatistic, statistic_->currentText()); };
  connect(statistic_, &QComboBox::activated, this, take_statistic);
  connect(statistic_->lineEdit(), &QLineEdit::editingFinished, this, take_statistic);
}

void CompareTools::remember(const char* name, const QString& choice) {
  if (notes_->choice(QLatin1String(name)) == choice) return;
  notes_->setChoice(QLatin1String(name), choice);
  Q_EMIT optionsChanged();
}

void CompareTools::restore() {
  const QString statistic = notes_->choice(QLatin1String(kStatistic));
  try {
    if (!statistic.isEmpty()) {
      engine::parse_statistic(statistic.toStdString(), "statistic");
      statistic_->setCurrentText(statistic);
    }
  } catch (const engine::Error&) {  // of another version, or edited by hand
    notes_->setChoice(QLatin1String(kStatistic), {});
  }
  const auto axis = engine::x_axis_from(notes_->choice(QLatin1String(kAxis)).toStdString());
  if (axis) axis_->setCurrentIndex(axis_->findData(int(*axis)));
}

void CompareTools::setMetrics(const QStringList& metrics, const QString& preferred) {
  const QString chosen = notes_->choice(QLatin1String(kMetric));
  const QString shown = metrics.contains(chosen) ? chosen : preferred;
  if (metrics == metrics_ && metric_->currentText() == shown) return;
  metrics_ = metrics;
  metric_->clear();
  metric_->addItems(metrics);
  metric_->setCurrentText(shown);
}

engine::ComparisonOptions CompareTools::options() const {
  engine::ComparisonOptions options;
  // Without a choice, or with one that no run has logged, the comparison has its own.
  const QString chosen = notes_->choice(QLatin1String(kMetric));
  if (metrics_.contains(chosen)) {
    options.metrics.push_back(chosen.toStdString());
    for (const char* other : {"eval_loss", "loss"}) {
      if (options.metrics.front() != other && metrics_.contains(QLatin1String(other)))
        options.metrics.push_back(other);
    }
  }
  options.statistic = engine::parse_statistic(statistic_->currentText().toStdString(), "statistic");
  options.axis = static_cast<engine::XAxis>(axis_->currentData().toInt());
  return options;
}

void CompareTools::setFound(const QString& text, bool is_error) {
  found_->setText(text);
  found_->setVisible(!text.isEmpty());
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText,
                  is_error ? theme_colors(palette()).error : muted_text(palette()));
  found_->setPalette(colors);
}

}  // namespace widgets
