// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_curve_tools.h"

#include "widgets/panels/tool_row.h"
#include "widgets/style/metrics.h"

#include <QIntValidator>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolButton>

#include <utility>

namespace widgets {
namespace {

const QString kHalfLife = QStringLiteral("half_life");
const QString kAlign = QStringLiteral("align");
const QString kBeside = QStringLiteral("charts");
const QString kYes = QStringLiteral("yes");
const QString kNo = QStringLiteral("no");

}  // namespace

CompareCurveTools::CompareCurveTools(RunNotesPtr notes, QWidget* parent)
    : QWidget(parent),
      notes_(std::move(notes)),
      half_life_(new QSpinBox),
      align_(new QLineEdit),
      charts_(make_tool(tr("More charts"), QString(), QStringLiteral("compare.charts"),
                        tr("Other metrics of the same runs, each in a chart of its own below"))),
      menu_(new QMenu(charts_)) {
  setLayout(make_tool_row(this));
  layout()->setContentsMargins(lines(this, 0.5), 0, lines(this, 0.4), lines(this, 0.2));
  makeButtons();
  makeNumbers();
  static_cast<QHBoxLayout*>(layout())->addStretch(1);
  charts_->setPopupMode(QToolButton::InstantPopup);
  charts_->setMenu(menu_);
  layout()->addWidget(charts_);
  connect(menu_, &QMenu::aboutToShow, this, &CompareCurveTools::fillCharts);
}

QToolButton* CompareCurveTools::addToggle(const QString& text, const QString& name,
                                          const QString& tip) {
  QToolButton* button = make_tool(text, QString(), QStringLiteral("compare.") + name, tip);
  button->setCheckable(true);
  layout()->addWidget(button);
  connect(button, &QToolButton::toggled, this, [this, name](bool on) {
    notes_->setChoice(name, on ? kYes : kNo);
    Q_EMIT drawingChanged();
  });
  return button;
}

void CompareCurveTools::makeButtons() {
  means_ = addToggle(tr("Mean of seeds"), QStringLiteral("grouped"),
                     tr("Runs that differ only in their seeds as one mean, with one standard "
                        "deviation of a run around it (over steps)"));
  {
    const QSignalBlocker quiet(means_);
    means_->setChecked(true);
  }
  log_y_ = addToggle(tr("Log y"), QStringLiteral("log_y"),
                     tr("Logarithmic axis of the values, in the chart of the main metric"));
  log_x_ = addToggle(tr("Log x"), QStringLiteral("log_x"), tr("Logarithmic horizontal axis"));
}

void CompareCurveTools::makeNumbers() {
  auto* row = static_cast<QHBoxLayout*>(layout());
  const auto add = [&](const QString& text, QWidget* field, const QString& name,
                       const QString& tip) {
    auto* label = new QLabel(text);
    label->setBuddy(field);
    field->setObjectName(name);
    field->setAccessibleName(tip);
    field->setToolTip(tip);
    row->addSpacing(lines(this, 0.3));
    row->addWidget(label);
    row->addWidget(field);
  };
  half_life_->setRange(1, 1'000'000);
  half_life_->setValue(20);
  half_life_->setSuffix(tr(" steps"));
  add(tr("EMA, &half-life"), half_life_, QStringLiteral("compare.half_life"),
      tr("Half-life of the smoothing: a logged value weighs half after so many steps. Evaluations "
         "are never smoothed."));
  connect(half_life_, &QSpinBox::valueChanged, this, [this](int steps) {
    is_half_life_chosen_ = true;
    notes_->setChoice(kHalfLife, QString::number(steps));
    Q_EMIT drawingChanged();
  });
  align_->setPlaceholderText(tr("step"));
  align_->setMaximumWidth(characters(this, 12));
  align_->setClearButtonEnabled(true);
  align_->setValidator(new QIntValidator(0, 2'000'000'000, align_));
  add(tr("A&lign at"), align_, QStringLiteral("compare.align"),
      tr("Count the axis of each run from where it stands at this step; empty: from its start"));
  connect(align_, &QLineEdit::textChanged, this, [this] {
    if (!align_->text().isEmpty() && !align_->hasAcceptableInput()) return;
    if (notes_->choice(kAlign) == align_->text()) return;
    notes_->setChoice(kAlign, align_->text());
    Q_EMIT optionsChanged();
  });
}

void CompareCurveTools::restore() {
  const QSignalBlocker no_means(means_), no_x(log_x_), no_y(log_y_), no_half(half_life_),
      no_align(align_);
  means_->setChecked(notes_->choice(QStringLiteral("grouped")) != kNo);
  log_x_->setChecked(notes_->choice(QStringLiteral("log_x")) == kYes);
  log_y_->setChecked(notes_->choice(QStringLiteral("log_y")) == kYes);
  const int steps = notes_->choice(kHalfLife).toInt(&is_half_life_chosen_);
  if (is_half_life_chosen_) half_life_->setValue(steps);
  align_->setText(notes_->choice(kAlign));
  if (!align_->hasAcceptableInput()) align_->clear();
  beside_ = notes_->choice(kBeside).split(QLatin1Char(' '), Qt::SkipEmptyParts);
  Q_EMIT drawingChanged();
}

void CompareCurveTools::setMetrics(const QStringList& metrics) { metrics_ = metrics; }

void CompareCurveTools::setUsualHalfLife(int steps) {
  if (is_half_life_chosen_ || steps == half_life_->value()) return;
  const QSignalBlocker quiet(half_life_);
  half_life_->setValue(steps);
  Q_EMIT drawingChanged();
}

void CompareCurveTools::fillCharts() {
  menu_->clear();
  for (const QString& metric : metrics_) {
    QAction* action = menu_->addAction(metric);
    action->setCheckable(true);
    action->setChecked(beside_.contains(metric));
    connect(action, &QAction::toggled, this, [this, metric](bool on) {
      beside_.removeAll(metric);
      if (on) beside_ << metric;
      notes_->setChoice(kBeside, beside_.join(QLatin1Char(' ')));
      Q_EMIT optionsChanged();
    });
  }
  if (metrics_.isEmpty()) menu_->addAction(tr("Nothing is logged yet"))->setEnabled(false);
}

bool CompareCurveTools::showsMeans() const { return means_->isChecked(); }
bool CompareCurveTools::isLogarithmicX() const { return log_x_->isChecked(); }
bool CompareCurveTools::isLogarithmicY() const { return log_y_->isChecked(); }
int CompareCurveTools::halfLife() const { return half_life_->value(); }

std::optional<double> CompareCurveTools::alignAt() const {
  bool is_number = false;
  const double step = align_->text().toDouble(&is_number);
  return is_number ? std::optional<double>(step) : std::nullopt;
}

}  // namespace widgets
