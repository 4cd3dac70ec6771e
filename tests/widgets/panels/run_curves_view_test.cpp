// SPDX-License-Identifier: GPL-3.0-or-later
// PARADIGM_SCREENSHOTS=DIR keeps a picture of the monitor in each theme.
#include "widgets/panels/run_curves_view.h"

#include "tests/support/scratch_folder.h"
#include "widgets/models/run_table_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/run_controls.h"
#include "widgets/panels/run_monitor_panel.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/custom_plot.h"
#include "widgets/style/theme.h"

#include <QAbstractItemModelTester>
#include <QApplication>
#include <QFile>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace {

using widgets::Metric;
using widgets::RunAxis;
using widgets::RunCurvesView;

const QString kRun = QStringLiteral("/runs/run-a");
const QString kOther = QStringLiteral("/runs/run-b");

class RunCurvesViewTest : public testing::Test {
 protected:
  RunCurvesViewTest() : monitor_(&selection_, &runs_, &controls_), view_(monitor_.curves()) {
    monitor_.resize(1000, 640);
    monitor_.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&monitor_));
  }
  void tell(const QString& folder, std::vector<engine::RunEvent> events,
            engine::RunState state = engine::RunState::running) {
    engine::RunUpdate update;
    update.state = state;
    update.events = std::move(events);
    runs_.apply(folder, update);
    runs_.publish();
    settle();
  }
  static engine::RunEvent step(std::int64_t number, double loss) {
    engine::StepLogged logged;
    logged.step = number;
    logged.loss = loss;
    logged.grad_norm = 1 + loss / 10;
    logged.learning_rate = 1e-3 * std::min(1.0, double(number) / 100);
    logged.tokens = number * 4096;
    logged.tokens_per_second = 8000 + 100 * std::sin(double(number));
    logged.memory_bytes = 2'000'000'000;
    return {1000 + double(number) * 2, logged};
  }
  void train(const QString& folder, std::int64_t from, std::int64_t to, double shift = 0) {
    std::vector<engine::RunEvent> events;
    if (from == 1) {
      engine::RunStarted started;
      started.max_steps = 1000;
      started.tokens_per_step = 4096;
      events.push_back({1000, started});
    }
    for (std::int64_t i = from; i <= to; ++i) {
      events.push_back(step(i, 2 + shift + 3 * std::exp(-double(i) / 120) + 0.1 * (i % 7)));
    }
    tell(folder, std::move(events));
  }
  void settle() {
    QApplication::processEvents();
    QApplication::processEvents();
  }
  widgets::Selection selection_;
  widgets::RunStore runs_;
  widgets::RunControls controls_{&selection_, &runs_};
  widgets::RunMonitorPanel monitor_;
  RunCurvesView* view_;
};

TEST_F(RunCurvesViewTest, ShowsEveryMetricOverStepsTokensAndTime) {
  train(kRun, 1, 200);
  tell(kRun, {{1500, engine::Evaluated{.step = 150, .eval_loss = 3}}});
  selection_.setRun(kRun);
  settle();
  for (const Metric metric : {Metric::loss, Metric::grad_norm, Metric::learning_rate,
                              Metric::tokens_per_second, Metric::memory}) {
    EXPECT_TRUE(view_->plot(metric)->isVisible());
    EXPECT_GT(view_->plot(metric)->drawnPoints(), 50);
  }
  EXPECT_NEAR(view_->plot()->plot()->xAxis->range().upper, 250, 1);
  view_->setAxis(RunAxis::tokens);
  settle();
  EXPECT_NEAR(view_->plot()->plot()->xAxis->range().upper, 250 * 4096, 5000);
  view_->plot()->setCursor(100 * 4096);
  EXPECT_TRUE(view_->plot()->cursorText().startsWith(QStringLiteral("step 100 · 410k tokens")))
      << view_->plot()->cursorText().toStdString();
  view_->setAxis(RunAxis::time);
  settle();
  EXPECT_NEAR(view_->plot()->plot()->xAxis->range().upper, 500, 5);
}

TEST_F(RunCurvesViewTest, CurvesShareViewAndCursor) {
  train(kRun, 1, 200);
  selection_.setRun(kRun);
  settle();
  view_->plot(Metric::grad_norm)->plot()->xAxis->setRange(50, 90);
  settle();
  EXPECT_EQ(view_->plot(Metric::loss)->plot()->xAxis->range().lower, 50);
  EXPECT_FALSE(view_->plot(Metric::memory)->isFollowing());
  QTest::keyClick(view_->plot(Metric::loss)->plot(), Qt::Key_Right);
  QTest::keyClick(view_->plot(Metric::loss)->plot(), Qt::Key_Left);
  const double at = view_->plot(Metric::loss)->cursor();
  EXPECT_EQ(view_->plot(Metric::memory)->cursor(), at);
  EXPECT_EQ(selection_.cursor()->step(), at);
}

TEST_F(RunCurvesViewTest, OtherRunsStandBesideIt) {
  train(kRun, 1, 100);
  train(kOther, 1, 60, 0.5);
  selection_.setRun(kRun);
  view_->setBeside({kOther});
  settle();
  view_->plot()->setCursor(80);
  const QString text = view_->plot()->cursorText();
  EXPECT_TRUE(text.contains(QStringLiteral("run-a")));
  EXPECT_TRUE(text.contains(QStringLiteral("run-b"))) << "its value at or before that step";
  EXPECT_TRUE(text.contains(QStringLiteral("Δ baseline")));
  const int before = view_->plot()->drawnPoints();
  train(kOther, 61, 100, 0.5);
  EXPECT_GT(view_->plot()->drawnPoints(), before) << "it grows although another run is selected";
}

TEST_F(RunCurvesViewTest, TheTableHoldsEveryLoggedAndEvaluatedStep) {
  train(kRun, 1, 50);
  tell(kRun, {{1500, engine::Evaluated{.step = 55, .eval_loss = 3}}});
  selection_.setRun(kRun);
  QAbstractItemModelTester tester(view_->table(),
                                  QAbstractItemModelTester::FailureReportingMode::Fatal);
  view_->setTableShown(true);
  EXPECT_EQ(view_->table()->rowCount(), 51);
  train(kRun, 56, 60);
  EXPECT_EQ(view_->table()->rowCount(), 56);
  const auto cell = [&](int row, int column) {
    return view_->table()->index(row, column).data().toString();
  };
  EXPECT_EQ(cell(50, 0), QStringLiteral("55"));
  EXPECT_EQ(cell(50, 1), QString()) << "not logged";
  EXPECT_EQ(cell(50, 2), QStringLiteral("3.0000"));
}

TEST_F(RunCurvesViewTest, WritesFiguresThatAreNotEmpty) {
  const tests::ScratchFolder folder;
  train(kRun, 1, 200);
  selection_.setRun(kRun);
  settle();
  const auto written = [&](const char* name) {
    const QString file = QString::fromStdString((folder / name).string());
    EXPECT_EQ(view_->exportFigure(file), QString());
    QFile read(file);
    EXPECT_TRUE(read.open(QIODevice::ReadOnly));
    return read.readAll();
  };
  const QByteArray svg = written("figure.svg");
  EXPECT_TRUE(svg.contains("<svg"));
  EXPECT_TRUE(svg.contains("learning rate")) << "text stays text";
  EXPECT_GT(svg.count("<polyline") + svg.count("<path"), 5);
  EXPECT_TRUE(written("figure.pdf").startsWith("%PDF"));
  const QImage png = QImage::fromData(written("figure.png"));
  EXPECT_GT(png.width(), 1500) << "twice the points of the screen";
  EXPECT_EQ(png.pixelColor(2, 2), QColor(Qt::white)) << "on paper, whatever the theme";
  EXPECT_FALSE(
      view_->exportFigure(QString::fromStdString((folder / "figure.gif").string())).isEmpty());
}

TEST_F(RunCurvesViewTest, ADivergenceIsToldAndLeadsToItsLayer) {
  train(kRun, 1, 40);
  selection_.setRun(kRun);
  tell(kRun, {{1100, engine::DivergenceSeen{.step = 40,
                                            .kind = "non_finite",
                                            .layer = "model.layers.3.mlp.up_proj",
                                            .text = "the output of up_proj is not finite"}}});
  EXPECT_TRUE(monitor_.messages()->text().contains(QStringLiteral("up_proj is not finite")));
  QSignalSpy asked(&monitor_, &widgets::RunMonitorPanel::layerRequested);
  monitor_.findChild<QPushButton*>(QStringLiteral("monitor.go_to_layer"))->click();
  EXPECT_EQ(selection_.layers(), QStringList(QStringLiteral("model.layers.3.mlp.up_proj")));
  EXPECT_EQ(asked.size(), 1);
  monitor_.findChild<QPushButton*>(QStringLiteral("monitor.go_to_step"))->click();
  EXPECT_EQ(selection_.cursor()->step(), 40);
}

TEST_F(RunCurvesViewTest, IsDrawnInBothThemes) {
  train(kRun, 1, 300);
  std::vector<engine::RunEvent> events;
  for (std::int64_t i = 301; i <= 420; ++i) {
    double loss = 2.2 + 0.1 * (i % 7);
    if (i == 340) loss = 80;
    if (i >= 360 && i < 372) loss = std::numeric_limits<double>::quiet_NaN();
    events.push_back(step(i, loss));
    if (i % 50 == 0) {
      events.push_back(
          {1000 + double(i) * 2, engine::Evaluated{.step = i, .eval_loss = 2.4, .perplexity = 11}});
      events.push_back({1000 + double(i) * 2,
                        engine::CheckpointSaved{
                            .step = i, .path = "checkpoint-" + std::to_string(i), .seconds = 1}});
    }
  }
  events.push_back({2000, engine::DivergenceSeen{.step = 361,
                                                 .kind = "non_finite",
                                                 .layer = "model.layers.3.mlp.up_proj",
                                                 .text = "the output of "
                                                         "model.layers.3.mlp.up_proj is not "
                                                         "finite"}});
  engine::RunStarted resumed;
  resumed.step = 400;
  resumed.max_steps = 1000;
  resumed.resumed_from = "checkpoint-400";
  resumed.tokens_per_step = 4096;
  tell(kRun, events);
  tell(kRun, {{9000, resumed}});
  train(kRun, 401, 640);
  selection_.setRun(kRun);
  for (const auto& [theme, name] :
       {std::pair{widgets::Theme::light, "light"}, std::pair{widgets::Theme::dark, "dark"}}) {
    widgets::apply_theme(*qApp, theme);
    settle();
    QTest::qWait(50);
    view_->plot()->setCursor(500);
    const QPoint at(int(view_->plot()->plot()->xAxis->coordToPixel(200)), 90);
    QTest::mouseMove(view_->plot()->plot(), at);
    QTest::qWait(50);
    const QImage image = monitor_.grab().toImage();
    EXPECT_EQ(image.pixelColor(2, image.height() - 3).lightness() > 128,
              theme == widgets::Theme::light);
    if (const char* folder = std::getenv("PARADIGM_SCREENSHOTS")) {
      image.save(
          QStringLiteral("%1/monitor_%2.png").arg(QLatin1String(folder), QLatin1String(name)));
    }
  }
  widgets::apply_theme(*qApp, widgets::Theme::light);
}

}  // namespace
