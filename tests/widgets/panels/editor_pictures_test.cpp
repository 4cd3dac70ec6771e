// SPDX-License-Identifier: GPL-3.0-or-later
// The panels of the editor, light and dark, at three pixel ratios, beside pictures that were looked
// at: tests/golden/pictures. After a change that is meant, PARADIGM_KEEP_PICTURES=1 writes them
// anew; look at each before it is kept. Where text is set differently nothing can be compared, and
// the test says that it was skipped.
#include "tests/support/scratch_folder.h"
#include "tests/widgets/editing.h"
#include "tests/widgets/golden_image.h"
#include "widgets/panels/histogram_panel.h"
#include "widgets/panels/layer_assignment_panel.h"
#include "widgets/panels/problems_panel.h"
#include "widgets/panels/rule_form_panel.h"
#include "widgets/panels/transform_rules_panel.h"
#include "widgets/panels/yaml_panel.h"
#include "widgets/style/theme.h"

#include <QGridLayout>
#include <QTest>

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>

namespace {

namespace fs = std::filesystem;

const fs::path kPictures = PARADIGM_SOURCE_DIR "/tests/golden/pictures";
/// Below this share of the pixels is what antialiasing does from one build to the next.
constexpr double kTolerance = 0.002;

const char* kTransform = R"(# Attention at 8 bits, projections coarser.
layer_name_to_config:
  model\.layers\.[0-9]+\.self_attn: {q_levels: 256}
  model\.layers\.[0-9]+\.self_attn\.(q|k)_proj: {q_levels: 64}
  model.layers.[0-9]+\.self_attn\.k_proj: {q_levels: 16}
  lm_head: null
  default: {q_levels: 128}
)";

/// All panels of the editor in one window, with or without something in them.
class Sheet {
 public:
  explicit Sheet(bool is_empty)
      : editing_(kTransform),
        layers_(new widgets::LayerAssignmentPanel(&editing_.selection)),
        rules_(new widgets::TransformRulesPanel(&editing_.selection, &editing_.editor)),
        form_(new widgets::RuleFormPanel(&editing_.selection, &editing_.editor)),
        yaml_(new widgets::YamlPanel(&editing_.document, &editing_.selection)),
        histogram_(new widgets::HistogramPanel(&editing_.selection, &runs_)),
        problems_(new widgets::ProblemsPanel) {
    auto* grid = new QGridLayout(&window_);
    const QList<QWidget*> panels{layers_, rules_, form_, histogram_, problems_, yaml_};
    for (int i = 0; i < panels.size(); ++i) {
      panels[i]->setFixedSize(460, 330);
      grid->addWidget(panels[i], i / 3, i % 3);
    }
    if (is_empty) {
      editing_.document.close();
    } else {
      editing_.onView([this](const widgets::PlanViewPtr& view) { show(view); });
      editing_.selection.setRules({1});
    }
    window_.setFocusPolicy(Qt::StrongFocus);
    window_.setFocus();  // no cursor blinks in a field
    window_.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&window_));
    QTest::qWait(30);  // what panels put off to the next turn
  }
  QWidget& window() { return window_; }

 private:
  void show(const widgets::PlanViewPtr& view) {
    layers_->setView(view);
    rules_->setView(view);
    form_->setView(view);
    yaml_->setView(view);
    histogram_->setView(view);
    problems_->setProblems(view->problems);
  }

  tests::Editing editing_;
  widgets::RunStore runs_;
  QWidget window_;
  widgets::LayerAssignmentPanel* layers_;
  widgets::TransformRulesPanel* rules_;
  widgets::RuleFormPanel* form_;
  widgets::YamlPanel* yaml_;
  widgets::HistogramPanel* histogram_;
  widgets::ProblemsPanel* problems_;
};

struct Case {
  const char* name;
  widgets::Theme theme;
  double ratio;
  bool is_empty;
};

class EditorPictures : public testing::TestWithParam<Case> {};

TEST_P(EditorPictures, AreThoseThatWereLookedAt) {
  const bool keeps = qEnvironmentVariableIsSet("PARADIGM_KEEP_PICTURES");
  QApplication::setFont(QFont(QStringLiteral("DejaVu Sans"), 9));
  widgets::apply_theme(*qApp, GetParam().theme);
  const std::string own = tests::rasteriser().toStdString();
  const fs::path mark = kPictures / "rasteriser.txt";
  if (keeps) {
    fs::create_directories(kPictures);
    std::ofstream(mark) << own << "\n";
  } else if (tests::content_of(mark) != own + "\n") {
    GTEST_SKIP() << "text is set differently here than where the pictures were made";
  }
  Sheet sheet(GetParam().is_empty);
  const QImage now = tests::picture_of(sheet.window(), GetParam().ratio);
  const QString file = QString::fromStdString((kPictures / GetParam().name).string());
  if (keeps) {
    // Colours of its own, at most 256: a third of the size, and no difference that counts.
    const QImage kept =
        now.convertToFormat(QImage::Format_Indexed8, Qt::ThresholdDither | Qt::AvoidDither);
    ASSERT_TRUE(kept.save(file, "PNG"));
    return;
  }
  const QImage before = QImage(file).convertToFormat(QImage::Format_RGB32);
  ASSERT_FALSE(before.isNull()) << "there is no picture " << GetParam().name;
  QImage marked;
  const double apart = tests::visible_difference(before, now, &marked);
  if (apart <= kTolerance) return;
  const QString folder = QStringLiteral(PARADIGM_BUILD_DIR "/pictures/");
  fs::create_directories(folder.toStdString());
  now.save(folder + QStringLiteral("now-") + QLatin1String(GetParam().name));
  marked.save(folder + QStringLiteral("difference-") + QLatin1String(GetParam().name));
  FAIL() << 100 * apart << " % of the pixels of " << GetParam().name
         << " differ; now and difference are in " << folder.toStdString();
}

INSTANTIATE_TEST_SUITE_P(
    ThemesAndRatios, EditorPictures,
    testing::Values(Case{"editor-light-1.png", widgets::Theme::light, 1, false},
                    Case{"editor-light-1.5.png", widgets::Theme::light, 1.5, false},
                    Case{"editor-light-2.png", widgets::Theme::light, 2, false},
                    Case{"editor-dark-1.png", widgets::Theme::dark, 1, false},
                    Case{"editor-dark-1.5.png", widgets::Theme::dark, 1.5, false},
                    Case{"editor-dark-2.png", widgets::Theme::dark, 2, false},
                    Case{"editor-empty-light-1.png", widgets::Theme::light, 1, true},
                    Case{"editor-empty-dark-1.png", widgets::Theme::dark, 1, true}),
    [](const testing::TestParamInfo<Case>& each) {
      std::string name = each.param.name;
      name = name.substr(0, name.size() - 4);
      for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
      }
      return name;
    });

}  // namespace
