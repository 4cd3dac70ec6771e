// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_curves_tools.h"

#include "widgets/panels/tool_row.h"
#include "widgets/style/metrics.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QSpinBox>
#include <QToolButton>

namespace widgets {
namespace {

constexpr int kAll = -1;

QToolButton* make_toggle(const QString& text, const QString& name, const QString& tip, bool on) {
  auto* button = make_tool(text, {}, name, tip);
  button->setCheckable(true);
  button->setChecked(on);
  return button;
}

}  // namespace

RunCurvesTools::RunCurvesTools(QWidget* parent)
    : QWidget(parent),
      metric_(
          make_choice(QStringLiteral("monitor.metric"), tr("Metric"), tr("What the curves show"))),
      axis_(make_choice(QStringLiteral("monitor.axis"), tr("Axis"),
                        tr("What the curves are drawn over"))),
      half_life_(new QSpinBox),
      raw_(make_toggle(tr("Raw"), QStringLiteral("monitor.raw"),
                       tr("Show the raw values behind the smoothed line (R)"), true)),
      logarithmic_(make_toggle(tr("Log"), QStringLiteral("monitor.log"),
                               tr("Logarithmic axis of the large curve (L)"), false)),
      follow_(make_toggle(tr("Follow"), QStringLiteral("monitor.follow"),
                          tr("Keep the whole run in view as it grows (F)"), true)),
      more_(make_tool(tr("More"), {}, QStringLiteral("monitor.more"),
                      tr("Other runs, logarithmic x axis, table, export"))) {
  makeChoices();
  makeMenu();
  auto* smooth_label = new QLabel(tr("EMA, &half-life"));
  smooth_label->setBuddy(half_life_);
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(lines(this, 0.5), lines(this, 0.2), lines(this, 0.4), lines(this, 0.2));
  row->addWidget(metric_);
  row->addWidget(axis_);
  row->addSpacing(lines(this, 0.5));
  row->addWidget(smooth_label);
  row->addSpacing(lines(this, 0.3));
  row->addWidget(half_life_);
  row->addStretch(1);
  for (QToolButton* tool : {raw_, logarithmic_, follow_, more_}) row->addWidget(tool);

  connect(metric_, &QComboBox::currentIndexChanged, this, &RunCurvesTools::metricChosen);
  connect(axis_, &QComboBox::currentIndexChanged, this,
          [this](int index) { Q_EMIT axisChosen(static_cast<RunAxis>(index)); });
  connect(half_life_, &QSpinBox::valueChanged, this, [this](int steps) {
    half_life_chosen_ = half_life_chosen_ || half_life_->hasFocus();
    Q_EMIT halfLifeChanged(steps);
  });
  connect(raw_, &QToolButton::toggled, this, &RunCurvesTools::rawToggled);
  connect(logarithmic_, &QToolButton::toggled, this, &RunCurvesTools::logarithmicToggled);
  connect(follow_, &QToolButton::toggled, this, &RunCurvesTools::followToggled);
}

void RunCurvesTools::makeChoices() {
  metric_->addItem(tr("All curves"), kAll);
  for (const Metric metric : kMonitorMetrics) {
    QString name = metric_name(metric);
    name[0] = name[0].toUpper();
    metric_->addItem(name, int(metric));
  }
  axis_->addItems({tr("by step"), tr("by tokens"), tr("by time")});
  half_life_->setObjectName(QStringLiteral("monitor.half_life"));
  half_life_->setAccessibleName(tr("Half-life of the smoothing in steps"));
  half_life_->setToolTip(
      tr("The smoothed line is an exponential moving average at full rate; a value "
         "weighs half after so many steps"));
  half_life_->setRange(1, 1000000);
  half_life_->setValue(20);
  half_life_->setSuffix(tr(" steps"));
}

void RunCurvesTools::makeMenu() {
  auto* menu = new QMenu(more_);
  beside_menu_ = menu->addMenu(tr("&Other runs beside it"));
  beside_menu_->setObjectName(QStringLiteral("monitor.beside"));
  auto* logarithmic_x = menu->addAction(tr("Logarithmic &x axis"));
  logarithmic_x->setObjectName(QStringLiteral("monitor.log_x"));
  logarithmic_x->setCheckable(true);
  connect(logarithmic_x, &QAction::toggled, this, &RunCurvesTools::logarithmicXToggled);
  show_table_ = menu->addAction(tr("Show as &table"));
  show_table_->setObjectName(QStringLiteral("monitor.show_table"));
  show_table_->setCheckable(true);
  connect(show_table_, &QAction::toggled, this, &RunCurvesTools::tableToggled);
  menu->addSeparator();
  connect(menu->addAction(tr("Export the &figure…")), &QAction::triggered, this,
          &RunCurvesTools::figureWanted);
  connect(menu->addAction(tr("Export all &values…")), &QAction::triggered, this,
          &RunCurvesTools::valuesWanted);
  more_->setAccessibleName(tr("More about the curves"));
  more_->setPopupMode(QToolButton::InstantPopup);
  more_->setMenu(menu);
}

std::optional<Metric> RunCurvesTools::metric() const {
  const int chosen = metric_->currentData().toInt();
  return chosen == kAll ? std::nullopt : std::optional(static_cast<Metric>(chosen));
}

void RunCurvesTools::setAxis(RunAxis axis) { axis_->setCurrentIndex(int(axis)); }

void RunCurvesTools::suggestHalfLife(int steps) {
  if (!half_life_chosen_) half_life_->setValue(steps);
}

void RunCurvesTools::setRaw(bool on) { raw_->setChecked(on); }

void RunCurvesTools::setLogarithmic(bool on) { logarithmic_->setChecked(on); }

void RunCurvesTools::setFollowing(bool on) { follow_->setChecked(on); }

void RunCurvesTools::setTableShown(bool shown) { show_table_->setChecked(shown); }

}  // namespace widgets
