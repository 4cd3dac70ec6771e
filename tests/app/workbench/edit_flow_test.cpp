// SPDX-License-Identifier: GPL-3.0-or-later
// Editing a transform in the real window, by clicks and keys on widgets found by their names: from
// layers to a rule, its values, a fixed problem, a saved file that `paradigm plan` reads alike.
#include "engine/transform/transform_plan.h"
#include "tests/app/workbench/edit_window.h"
#include "tests/support/program_run.h"
#include "widgets/models/problems_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/problems_panel.h"
#include "widgets/panels/rule_form_panel.h"
#include "widgets/panels/transform_rules_panel.h"

#include <QAbstractItemView>
#include <QAbstractSpinBox>
#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QDropEvent>
#include <QFileDialog>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTest>
#include <QTimer>
#include <QToolButton>
#include <QTreeView>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace {

using tests::patient;

class EditFlow : public tests::EditWindow {
 protected:
  QWidget* value(const char* name) {
    auto* form = find<QWidget>("form.values");
    if (form == nullptr) return nullptr;
    auto* editor = form->findChild<QWidget*>(QStringLiteral("editor.") + QLatin1String(name));
    EXPECT_NE(editor, nullptr) << name;
    return editor->findChild<QAbstractSpinBox*>();
  }

  // What a person does, counted.
  void click(QAbstractItemView* view, const QModelIndex& index, Qt::KeyboardModifiers keys = {}) {
    ++actions_;
    view->scrollTo(index);
    QTest::mouseClick(view->viewport(), Qt::LeftButton, keys, view->visualRect(index).center());
  }
  void click(QWidget* widget) {
    ++actions_;
    QTest::mouseClick(widget, Qt::LeftButton);
  }
  void press(Qt::Key key, Qt::KeyboardModifiers keys = {}) {
    ++actions_;
    QWidget* focus = QApplication::focusWidget();
    ASSERT_NE(focus, nullptr);
    QTest::keyClick(focus, key, keys);
    settle();
  }
  void type(const char* text) {
    QTest::keyClicks(QApplication::focusWidget(), QString::fromLatin1(text));
    settle();
  }
  /// The row of the tree with this name, the first one in depth-first order.
  QModelIndex row(QTreeView* tree, const QString& name, const QModelIndex& above = {}) {
    for (int i = 0; i < tree->model()->rowCount(above); ++i) {
      const QModelIndex index = tree->model()->index(i, 0, above);
      if (index.data().toString() == name) return index;
      const QModelIndex below = row(tree, name, index);
      if (below.isValid()) return below;
    }
    return {};
  }
  /// What `paradigm plan` says about the file is what the window shows.
  void expectSamePlan(const std::filesystem::path& file) {
    const auto run = tests::run_program(
        PARADIGM_BIN_DIR "/paradigm",
        {"plan", checkpoint_.string(), "--transform_config", file.string(), "--json"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const auto report = nlohmann::json::parse(run.out);
    const auto& plan = edit()->view()->plan;
    EXPECT_EQ(report["digest"].get<std::string>(), engine::transform_digest(plan));
    ASSERT_EQ(report["rules"].size(), plan.counts.size());
    for (std::size_t i = 0; i < plan.counts.size(); ++i) {
      EXPECT_EQ(report["rules"][i]["won"].get<int>(), plan.counts[i].won);
    }
  }

  int actions_ = 0;
};

TEST_F(EditFlow, OnlyTheMlpAt64LevelsIsSavedInAHandfulOfActions) {
  open(checkpoint_);
  auto* tree = find<QTreeView>("layers.tree");
  actions_ = 0;

  click(tree, row(tree, QStringLiteral("mlp")));
  press(Qt::Key_Return);  // a rule for these layers: begins a document, too
  EXPECT_EQ(find<QPlainTextEdit>("new_rule.pattern")->toPlainText(),
            QStringLiteral(".*\\.mlp\\..*"));
  picture("edit_1_offered");
  press(Qt::Key_Return);  // as offered; the first value has the focus
  EXPECT_EQ(QApplication::focusWidget(), value("q_levels"));
  type("64");
  QTimer::singleShot(0, [] {
    auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
    ASSERT_NE(dialog, nullptr);
    QTest::keyClick(dialog->findChild<QLineEdit*>(QStringLiteral("fileNameEdit")), Qt::Key_Return);
  });
  press(Qt::Key_S, Qt::ControlModifier);
  ++actions_;  // Enter in the dialog

  EXPECT_LE(actions_, 8) << "the budget of this task";
  std::printf("actions beside typing the number: %d\n", actions_);
  const auto file = folder_ / "transform.yaml";
  ASSERT_TRUE(std::filesystem::exists(file));
  EXPECT_FALSE(document()->isModified());
  const auto& plan = edit()->view()->plan;
  for (const auto& one : plan.assignments) {
    const bool is_mlp = one.layer.find(".mlp.") != std::string::npos;
    EXPECT_EQ(one.outcome == engine::Outcome::transformed, is_mlp) << one.layer;
    if (is_mlp) {
      EXPECT_EQ(one.values.get_int("q_levels"), 64);
    }
  }
  expectSamePlan(file);
  picture("edit_2_saved");
}

TEST_F(EditFlow, AProblemIsFixedByOneClickAndTheSavedFilePlansTheSame) {
  const std::string text =
      "layer_name_to_config:\n"
      "  'model\\.layers.[0-9]+\\.mlp\\.(gate|up|down)_proj': {q_levels: 64} # mine\n"
      "  default: null\n";
  const auto file = folder_.write("rules.yaml", text);
  open(checkpoint_);
  open(file);
  auto* problems = find<QTreeView>("problems.list");
  ASSERT_EQ(problems->model()->rowCount(), 1);
  const QModelIndex fix = problems->model()->index(0, widgets::ProblemsModel::kFix);
  ASSERT_TRUE(patient([&] { return fix.data().toString() == QStringLiteral("Write \\."); }));
  picture("edit_6_problem");
  click(problems, fix);
  settle();
  std::string fixed = text;
  fixed.insert(fixed.find(".[0-9]"), "\\");
  EXPECT_EQ(document()->text(), fixed) << "and nothing else";
  EXPECT_EQ(problems->model()->rowCount(), 0);
  EXPECT_EQ(find<QToolButton>("status.problems")->text(), QStringLiteral("no problems"));
  problems->setFocus();
  press(Qt::Key_S, Qt::ControlModifier);
  EXPECT_EQ(tests::content_of(file), fixed);
  expectSamePlan(file);
}

TEST_F(EditFlow, LayersBecomeARuleAValueIsChangedAProblemFixedAndTheFilePlansTheSame) {
  const std::string text =
      "# the feed-forward part\n"
      "layer_name_to_config:\n"
      "  'model\\.layers.[0-9]+\\.mlp\\.(gate|up|down)_proj': {q_levels: 64} # mine\n"
      "  default: null\n";
  const auto file = folder_.write("rules.yaml", text);
  open(checkpoint_);
  open(file);
  auto* tree = find<QTreeView>("layers.tree");
  click(tree, row(tree, QStringLiteral("q_proj")));
  click(tree, row(tree, QStringLiteral("k_proj")), Qt::ControlModifier);
  press(Qt::Key_Return);
  press(Qt::Key_Return);
  EXPECT_EQ(QApplication::focusWidget(), value("q_levels"));
  type("16");
  auto* problems = find<QTreeView>("problems.list");
  const QModelIndex fix = problems->model()->index(0, widgets::ProblemsModel::kFix);
  ASSERT_TRUE(patient([&] { return fix.data().toString() == QStringLiteral("Write \\."); }));
  click(problems, fix);
  settle();
  press(Qt::Key_S, Qt::ControlModifier);
  const std::string saved = tests::content_of(file);
  EXPECT_EQ(saved, document()->text());
  for (const char* kept : {"# the feed-forward part\n",
                           "(gate|up|down)_proj': {q_levels: 64} # mine\n", "  default: null\n"}) {
    EXPECT_NE(saved.find(kept), std::string::npos) << kept;
  }
  const auto& plan = edit()->view()->plan;
  for (const auto& one : plan.assignments) {
    const bool is_qk = one.layer.ends_with("q_proj") || one.layer.ends_with("k_proj");
    const bool is_mlp = one.layer.find(".mlp.") != std::string::npos;
    EXPECT_EQ(one.outcome == engine::Outcome::transformed, is_qk || is_mlp) << one.layer;
    if (is_qk || is_mlp) {
      EXPECT_EQ(one.values.get_int("q_levels"), is_qk ? 16 : 64) << one.layer;
    }
  }
  expectSamePlan(file);
}

TEST_F(EditFlow, EveryViewEditsTheSameText) {
  const auto file = folder_.write("rules.yaml", tests::sample_transform());
  open(checkpoint_);
  open(file);
  auto* rules = find<QTreeView>("rules.list");
  click(rules, rules->model()->index(1, 1));
  press(Qt::Key_Return);
  EXPECT_EQ(QApplication::focusWidget(), value("q_levels"));
  type("32");
  EXPECT_NE(document()->text().find("(q|k)_proj: {q_levels: 32}"), std::string::npos);
  EXPECT_TRUE(find<QPlainTextEdit>("yaml.edit")->toPlainText().contains(QStringLiteral("32}")));
  EXPECT_TRUE(window()->isWindowModified());

  auto* text = find<QPlainTextEdit>("yaml.edit");
  text->setFocus();
  QTextCursor cursor = text->document()->find(QStringLiteral("levels: 32"));
  cursor.clearSelection();
  text->setTextCursor(cursor);
  QTest::keyClick(text, Qt::Key_Backspace);
  QTest::keyClicks(text, QStringLiteral("3"));
  settle();
  EXPECT_EQ(static_cast<QAbstractSpinBox*>(value("q_levels"))->text(), QStringLiteral("33"));

  // Undo from wherever the focus is, step by step to the start.
  QTest::keyClick(text, Qt::Key_Z, Qt::ControlModifier);
  QTest::keyClick(text, Qt::Key_Z, Qt::ControlModifier);
  EXPECT_EQ(document()->text(), tests::sample_transform());
  EXPECT_FALSE(window()->isWindowModified());
  QTest::keyClick(text, Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
  EXPECT_NE(document()->text(), tests::sample_transform());
}

TEST_F(EditFlow, ABarOpensItsRuleAndSelectsItsLayers) {
  open(checkpoint_);
  open(folder_.write("rules.yaml", tests::sample_transform()));
  auto* list = find<QTreeView>("rules.list");
  click(list, list->model()->index(0, 1));
  EXPECT_EQ(workbench_->selection()->layers().size(), 4);
  picture("edit_3_rule");
}

TEST_F(EditFlow, ThePaletteFindsCommandsRulesAndLayers) {
  open(checkpoint_);
  open(folder_.write("rules.yaml", tests::sample_transform()));
  const auto choose = [&](const char* query) {
    QTest::keyClick(window(), Qt::Key_K, Qt::ControlModifier);
    auto* field = find<QLineEdit>("palette.field");
    ASSERT_TRUE(field->isVisible());
    QTest::keyClicks(field, QString::fromLatin1(query));
    if (QLatin1String(query) == QLatin1String("theme")) picture("edit_4_palette");
    QTest::keyClick(field, Qt::Key_Return);
    EXPECT_FALSE(find<QWidget>("palette")->isVisible());
  };
  choose("layers.2.mlp.up_proj");
  EXPECT_EQ(workbench_->selection()->layers(),
            QStringList{QStringLiteral("model.layers.2.mlp.up_proj")});
  choose("rule 3");
  EXPECT_EQ(workbench_->selection()->rules(), QList<int>{2});
  choose("restore the default layout");
  choose("learning_rate");
  EXPECT_EQ(window()->workspace(), app::Workspace::run);
}

TEST_F(EditFlow, EveryNamedActionIsInThePalette) {
  open(checkpoint_);
  QTest::keyClick(window(), Qt::Key_K, Qt::ControlModifier);
  auto* field = find<QLineEdit>("palette.field");
  auto* list = find<QListWidget>("palette.list");
  for (auto* action : window()->QWidget::actions()) {
    if (!action->isEnabled() || action->objectName() == QLatin1String("action.palette")) continue;
    const QString text = action->text().remove(QLatin1Char('&'));
    if (text.isEmpty()) continue;
    field->setText(text);
    bool found = false;
    for (int i = 0; i < list->count(); ++i) found = found || list->item(i)->text() == text;
    EXPECT_TRUE(found) << text.toStdString();
  }
}

struct Dialect {
  const char* file;
  const char* text;
  const char* kind;  ///< as the window calls it
};

TEST_F(EditFlow, FilesOfOtherDialectsAreShownKeptAndConverted) {
  const Dialect dialects[] = {
      {"sections.toml", "use_lora = false\n[attention]\nq_levels = 256\n[fc]\nq_levels = 64\n",
       "C3"},
      {"roberta.yaml", "attn: {q_levels: 256}\nfc: {q_levels: 64}\n", "C4"},
      {"tree.yaml", "by: type\nlinear:\n  config: {tile_type: reram, num_bits: 3}\n", "C5"},
      {"pretraining.yaml",
       "job_args: {dump_folder: out}\ntransform_args:\n  use_regex: true\n"
       "  layer_name_to_config:\n    'layers\\.\\d+\\.feed_forward\\..*': {q_levels: 64}\n"
       "    default: null\n",
       "C6"}};
  for (const Dialect& each : dialects) {
    SCOPED_TRACE(each.file);
    const auto file = folder_.write(each.file, each.text);
    open(checkpoint_);
    open(file);
    ASSERT_TRUE(patient([&] { return edit()->rules()->messages()->isVisible(); }));
    EXPECT_TRUE(edit()->rules()->messages()->text().contains(QLatin1String(each.kind)))
        << edit()->rules()->messages()->text().toStdString();
    ASSERT_FALSE(edit()->view()->transform->config.rules.empty());
    edit()->form()->setFocus();
    EXPECT_FALSE(edit()->form()->isEnabled()) << "its rules are not written in it";
    EXPECT_FALSE(find<QAction>("rules.add")->isEnabled());
    // A paradigm that is not built in is kept and shown; a plan would be refused.
    const bool is_built_in = std::string(each.kind) != "C5";
    if (is_built_in) {
      expectSamePlan(file);
    } else {
      const auto run =
          tests::run_program(PARADIGM_BIN_DIR "/paradigm",
                             {"plan", checkpoint_.string(), "--transform_config", file.string()});
      EXPECT_EQ(run.exit_code, 2);
      EXPECT_NE((run.out + run.err).find("pim is known, but not built in yet"), std::string::npos)
          << run.err;
      EXPECT_EQ(edit()->view()->rule(0)->paradigm, "pim");
      EXPECT_GT(edit()->problems()->model()->rowCount(), 0);
    }
    const std::string before = engine::transform_digest(edit()->view()->plan);

    auto* convert = find<QPushButton>("rules.convert");
    ASSERT_NE(convert, nullptr);
    click(convert);
    settle();
    EXPECT_TRUE(document()->file().isEmpty()) << "a new document";
    EXPECT_EQ(engine::transform_digest(edit()->view()->plan), before) << document()->text();
    EXPECT_TRUE(edit()->form()->isEnabled());
    EXPECT_EQ(tests::content_of(file), each.text) << "theirs is not touched";
    document()->undoStack()->clear();
    document()->close();
  }
}

TEST_F(EditFlow, APresetBeginsANewDocument) {
  open(checkpoint_);
  window()->raisePanel(QStringLiteral("presets"));
  auto* list = find<QListWidget>("presets.list");
  if (list->count() == 0) GTEST_SKIP() << "the presets are not beside the test program";
  list->setCurrentRow(0);
  EXPECT_TRUE(find<QLabel>("presets.effect")->text().startsWith(QStringLiteral("transforms ")));
  picture("edit_5_presets");
  click(find<QPushButton>("presets.use"));
  EXPECT_TRUE(document()->isOpen());
  EXPECT_TRUE(document()->file().isEmpty());
  EXPECT_GT(edit()->view()->plan.histogram.layer_count(), 0);
}

}  // namespace
