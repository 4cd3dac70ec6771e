// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_trade_off.h"

#include "engine/compare/trade_off.h"
#include "engine/error.h"
#include "widgets/panels/tool_row.h"
#include "widgets/plots/trade_off_plot.h"
#include "widgets/style/metrics.h"
#include "widgets/style/text.h"

#include <QLabel>
#include <QLineEdit>
#include <QToolButton>
#include <QVBoxLayout>

#include <utility>

namespace widgets {
namespace {

const QString kCost = QStringLiteral("cost");
const QString kLog = QStringLiteral("cost_log");

}  // namespace

CompareTradeOff::CompareTradeOff(RunNotesPtr notes, QWidget* parent)
    : QWidget(parent),
      notes_(std::move(notes)),
      cost_(new QLineEdit(QStringLiteral("q_levels"))),
      log_(make_tool(tr("Log"), QString(), QStringLiteral("compare.cost_log"),
                     tr("Logarithmic cost"))),
      note_(new QLabel),
      plot_(new TradeOffPlot) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  auto* label = new QLabel(tr("&Cost"));
  label->setBuddy(cost_);
  cost_->setObjectName(QStringLiteral("compare.cost"));
  cost_->setAccessibleName(tr("Cost of a run"));
  cost_->setToolTip(
      tr("A recorded quantity or an expression over them, such as output_conversions * 1.2e-12 + "
         "macs * 1e-15"));
  log_->setCheckable(true);
  auto* row = make_tool_row(this);
  row->addWidget(label);
  row->addWidget(cost_, 1);
  row->addWidget(log_);
  column->addLayout(row);
  note_->setWordWrap(true);
  note_->setContentsMargins(lines(this, 0.5), 0, lines(this, 0.5), lines(this, 0.2));
  note_->hide();
  column->addWidget(note_);
  column->addWidget(plot_, 1);
  connect(cost_, &QLineEdit::editingFinished, this, [this] {
    notes_->setChoice(kCost, cost());
    showPoints();
  });
  connect(log_, &QToolButton::toggled, this, [this](bool on) {
    notes_->setChoice(kLog, on ? QStringLiteral("yes") : QStringLiteral("no"));
    plot_->setLogarithmicCost(on);
  });
  connect(plot_, &TradeOffPlot::runClicked, this, &CompareTradeOff::runClicked);
}

void CompareTradeOff::restore() {
  if (const QString cost = notes_->choice(kCost); !cost.isEmpty()) cost_->setText(cost);
  log_->setChecked(notes_->choice(kLog) == QLatin1String("yes"));
}

void CompareTradeOff::setView(ComparisonViewPtr view) {
  view_ = std::move(view);
  showPoints();
}

QString CompareTradeOff::cost() const { return cost_->text().trimmed(); }

void CompareTradeOff::showPoints() {
  QString note;
  if (view_ != nullptr) {
    const engine::ComparisonOptions& options = view_->comparison.options;
    std::vector<TradeOffMark> marks;
    try {
      const auto points = engine::trade_off_points(view_->pointers(), cost().toStdString(),
                                                   options.metrics.front(), options.statistic);
      for (const engine::TradeOffPoint& point : points)
        marks.push_back({qt(view_->comparison.runs[point.run].label), view_->look_of(point.run),
                         point.run == options.baseline, point});
      const auto without = view_->runs.size() - points.size();
      if (without > 0)
        note = tr("%n runs have no such cost or no %1 and are left out", nullptr, int(without))
                   .arg(qt(options.metrics.front()));
    } catch (const engine::Error& error) {
      note = qt(error.problems().front().message);
    }
    plot_->setMarks(std::move(marks), cost(), qt(options.metrics.front()));
  }
  note_->setText(note);
  note_->setVisible(!note.isEmpty());
}

}  // namespace widgets
