// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/transform_editor.h"

#include "engine/config/transform_config.h"
#include "engine/transform/paradigm_info.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace engine {
namespace {

/// The text after the edit; or the refusal.
std::string after(const TransformEditor& editor, const EditResult& result) {
  if (!result.ok()) return "refused: " + to_string(result.refusals[0]);
  EXPECT_EQ(
      apply_edit(apply_edit(editor.text(), result.edit), inverse_edit(editor.text(), result.edit)),
      editor.text());
  return apply_edit(editor.text(), result.edit);
}

std::string shared_file() {
  return "# head\n"
         "use_regex: true\n"
         "\n"
         "layer_name_to_config:\n"
         "  # attention\n"
         "  'a\\.b': &common # named\n"
         "    q_levels: 256 # levels\n"
         "    q_lut_min: 0.020040\n"
         "\n"
         "  # projections\n"
         "  \"p\": \n"
         "    <<: *common\n"
         "    q_seed: 3\n"
         "\n"
         "  whole: *common # as a whole\n"
         "  # the head\n"
         "  'lm_head': null # plain\n";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(TransformEditor, SetsAValueWhereItStands) {
  const TransformEditor editor("p:\n  q_levels:   256   # levels\n  q_bypass: false\n");
  EXPECT_EQ(after(editor, editor.set_value(0, "q_levels", "64")),
            "p:\n  q_levels:   64   # levels\n  q_bypass: false\n");
  EXPECT_EQ(editor.set_value(0, "q_levels", "64").edit.title, "Set q_levels to 64 on rule 1");
  EXPECT_EQ(editor.set_value(0, "q_levels", "64").edit.patches.size(), 1u);
  EXPECT_TRUE(editor.set_value(0, "q_levels", "256").edit.empty());
}

TEST(TransformEditor, AddsAKeyBehindTheLastOneOfItsRule) {
  const TransformEditor block("p:\n  q_levels: 256 # c\nq: null");
  EXPECT_EQ(after(block, block.set_value(0, "q_bypass", "true")),
            "p:\n  q_levels: 256 # c\n  q_bypass: true\nq: null");
  EXPECT_EQ(after(block, block.set_value(1, "q_bypass", "true")),
            "p:\n  q_levels: 256 # c\nq: {q_bypass: true}");
  const TransformEditor open("p:\n  q_levels: 256");
  EXPECT_EQ(after(open, open.set_value(0, "q_bypass", "true")),
            "p:\n  q_levels: 256\n  q_bypass: true");
  const TransformEditor flow("p: {q_levels: 256}\nq: {}\n");
  EXPECT_EQ(after(flow, flow.set_value(0, "q_bypass", "true")),
            "p: {q_levels: 256, q_bypass: true}\nq: {}\n");
  EXPECT_EQ(after(flow, flow.set_value(1, "q_bypass", "true")),
            "p: {q_levels: 256}\nq: {q_bypass: true}\n");
  const TransformEditor windows("p:\r\n  q_levels: 256\r\nq: null\r\n");
  EXPECT_EQ(after(windows, windows.set_value(0, "q_bypass", "true")),
            "p:\r\n  q_levels: 256\r\n  q_bypass: true\r\nq: null\r\n");
  const TransformEditor complex("? 'long|key'\n: q_levels: 8\n  q_seed: 1\n");
  EXPECT_EQ(after(complex, complex.set_value(0, "q_bypass", "true")),
            "? 'long|key'\n: q_levels: 8\n  q_seed: 1\n  q_bypass: true\n");
  EXPECT_EQ(after(complex, complex.set_paradigm(0, "optical_transformer")),
            "? 'long|key'\n: paradigm: optical_transformer\n  q_levels: 8\n  q_seed: 1\n");
}

TEST(TransformEditor, OverridesAMergedValueHere) {
  const TransformEditor editor(shared_file());
  EXPECT_EQ(after(editor, editor.set_value(1, "q_levels", "64")),
            replaced(shared_file(), "q_seed: 3\n", "q_seed: 3\n    q_levels: 64\n"));
  EXPECT_EQ(after(editor, editor.set_value(2, "q_levels", "64")),
            replaced(shared_file(), "whole: *common #", "whole: {<<: *common, q_levels: 64} #"));
}

TEST(TransformEditor, ChangesASharedValueForAll) {
  const TransformEditor editor(shared_file());
  for (int rule : {0, 1, 2})
    EXPECT_EQ(after(editor, editor.set_value(rule, "q_levels", "64", SharedValue::change_for_all)),
              replaced(shared_file(), "256", "64"));
  const ValueOrigin origin = editor.origin_of(1, "q_levels");
  EXPECT_FALSE(origin.is_own);
  EXPECT_EQ(origin.anchor, "common");
  EXPECT_EQ(origin.place.line, 7);
  EXPECT_EQ(origin.users, (std::vector<int>{0, 2}));
  EXPECT_TRUE(editor.origin_of(1, "q_seed").is_own);
  EXPECT_TRUE(editor.origin_of(1, "q_seed").users.empty());
  EXPECT_FALSE(editor.origin_of(3, "q_seed").is_written);
}

TEST(TransformEditor, ChangingTheNamedRuleAloneLeavesTheOthersTheirValue) {
  const TransformEditor editor(shared_file());
  EXPECT_EQ(after(editor, editor.set_value(0, "q_levels", "64")),
            replaced(replaced(replaced(shared_file(), "256", "64"), "q_seed: 3\n",
                              "q_seed: 3\n    q_levels: 256\n"),
                     "*common #", "{<<: *common, q_levels: 256} #"));
  // A key that the others lack cannot be taken back there: the name moves to the first of them.
  EXPECT_EQ(after(editor, editor.set_value(0, "noise", "false")),
            replaced(replaced(replaced(shared_file(), " &common # named", " # named"), "0.020040\n",
                              "0.020040\n    noise: false\n"),
                     "<<: *common", "<<: &common {q_levels: 256, q_lut_min: 0.020040}"));
}

TEST(TransformEditor, UnsetsAValue) {
  const TransformEditor editor(shared_file());
  EXPECT_EQ(after(editor, editor.unset_value(1, "q_seed")),
            replaced(shared_file(), "    q_seed: 3\n", ""));
  EXPECT_EQ(after(editor, editor.unset_value(1, "q_levels", SharedValue::change_for_all)),
            replaced(shared_file(), "    q_levels: 256 # levels\n", ""));
  EXPECT_NE(after(editor, editor.unset_value(1, "q_levels")).find("comes from an anchor (line 7)"),
            std::string::npos);
  const TransformEditor single("p: # c\n  q_levels: 8 # d\nq: {a: 1, b: 2}\n");
  EXPECT_EQ(after(single, single.unset_value(0, "q_levels")), "p: {} # c\nq: {a: 1, b: 2}\n");
  EXPECT_EQ(after(single, single.unset_value(1, "a")), "p: # c\n  q_levels: 8 # d\nq: {b: 2}\n");
  EXPECT_EQ(after(single, single.unset_value(1, "b")), "p: # c\n  q_levels: 8 # d\nq: {a: 1}\n");
  const TransformEditor last("p:\n  a: 1\n  b: 2");
  EXPECT_EQ(after(last, last.unset_value(0, "b")), "p:\n  a: 1");
}

TEST(TransformEditor, ChangesThePatternInItsOwnQuotes) {
  const TransformEditor editor(shared_file());
  EXPECT_EQ(after(editor, editor.set_pattern(0, "it's\\.x")),
            replaced(shared_file(), "'a\\.b'", "'it''s\\.x'"));
  EXPECT_EQ(after(editor, editor.set_pattern(1, "a\\.c")),
            replaced(shared_file(), "\"p\"", "\"a\\\\.c\""));
  EXPECT_EQ(after(editor, editor.set_pattern(2, "whol.")),
            replaced(shared_file(), "whole:", "whol.:"));
  EXPECT_EQ(after(editor, editor.set_pattern(2, "a|b: c")),
            replaced(shared_file(), "whole:", "'a|b: c':"));
  EXPECT_NE(after(editor, editor.set_pattern(2, "p")).find("already"), std::string::npos);
  const std::string long_pattern = std::string(600, 'x') + "|" + std::string(600, 'y');
  EXPECT_EQ(after(editor, editor.set_pattern(1, long_pattern)),
            replaced(shared_file(), "\"p\":", "? \"" + long_pattern + "\"\n  :"));
}

TEST(TransformEditor, LeavesAloneAndRestoresByteForByte) {
  const std::string text = shared_file();
  const TransformEditor editor(text);
  const EditResult gone = editor.leave_alone(1);
  const TransformEditor without(after(editor, gone));
  EXPECT_EQ(without.text(), replaced(text, " \n    <<: *common\n    q_seed: 3\n", " null\n"));
  EXPECT_EQ(after(without, without.restore(1, editor.value_source(1))), text);
  const TransformEditor flow("p: {a: 1} # c\n");
  EXPECT_EQ(after(flow, flow.leave_alone(0)), "p: null # c\n");
  const TransformEditor alias(after(editor, editor.leave_alone(2)));
  EXPECT_EQ(alias.text(), replaced(text, "whole: *common", "whole: null"));
  EXPECT_EQ(after(alias, alias.restore(2, editor.value_source(2))), text);
  const TransformEditor commented("p:   # c\n  a: 1 # d\n\nq: null\n");
  const TransformEditor plain(after(commented, commented.leave_alone(0)));
  EXPECT_EQ(plain.text(), "p: null   # c\n\nq: null\n");
  EXPECT_EQ(after(plain, plain.restore(0, commented.value_source(0))), commented.text());
}

TEST(TransformEditor, LeavingANamedRuleAloneHandsItsNameOn) {
  const TransformEditor editor(shared_file());
  EXPECT_EQ(
      after(editor, editor.leave_alone(0)),
      replaced(replaced(shared_file(),
                        " &common # named\n    q_levels: 256 # levels\n    q_lut_min: 0.020040",
                        " null # named"),
               "*common", "&common {q_levels: 256, q_lut_min: 0.020040}"));
}

TEST(TransformEditor, InsertsARuleInTheStyleOfTheFile) {
  const NewRule rule{"n\\.x", false, {{"q_levels", "16"}, {"q_bypass", "false"}}};
  const TransformEditor editor(
      "layer_name_to_config:\n    # c\n    'a':\n       q: 1\n\n    'b': null\n");
  const std::string lines = "    'n\\.x':\n       q_levels: 16\n       q_bypass: false\n";
  EXPECT_EQ(
      after(editor, editor.insert_rule(0, rule)),
      "layer_name_to_config:\n" + lines + "\n    # c\n    'a':\n       q: 1\n\n    'b': null\n");
  EXPECT_EQ(
      after(editor, editor.insert_rule(1, rule)),
      "layer_name_to_config:\n    # c\n    'a':\n       q: 1\n\n" + lines + "\n    'b': null\n");
  EXPECT_EQ(after(editor, editor.insert_rule(2, rule)),
            "layer_name_to_config:\n    # c\n    'a':\n       q: 1\n\n    'b': null\n\n" + lines);
  EXPECT_EQ(after(editor, editor.insert_rule(2, {"default", true, {}})),
            editor.text() + "\n    default: null\n");
  const TransformEditor flow("layer_name_to_config: {a: null}\n");
  EXPECT_EQ(after(flow, flow.insert_rule(1, rule)),
            "layer_name_to_config: {a: null, 'n\\.x': {q_levels: 16, q_bypass: false}}\n");
  const TransformEditor open("a: null");
  EXPECT_EQ(after(open, open.insert_rule(1, {"b", true, {}})), "a: null\n'b': null");
}

TEST(TransformEditor, InsertsIntoFilesWithoutRules) {
  const NewRule rule{"a", false, {{"q_levels", "16"}}};
  const std::string rules = "layer_name_to_config:\n  'a':\n    q_levels: 16\n";
  for (const std::string empty : {"", "# only a comment\n", "\n\n"}) {
    const TransformEditor editor(empty);
    EXPECT_EQ(after(editor, editor.insert_rule(0, rule)), empty + rules);
  }
  const TransformEditor braces("{}\n");
  EXPECT_EQ(after(braces, braces.insert_rule(0, rule)), rules);
  const TransformEditor header("use_regex: true\nlayer_name_to_config: # rules\nparadigm: x\n");
  EXPECT_EQ(
      after(header, header.insert_rule(0, rule)),
      "use_regex: true\nlayer_name_to_config: # rules\n  'a':\n    q_levels: 16\nparadigm: x\n");
  const TransformEditor none("layer_name_to_config: {}");
  EXPECT_EQ(after(none, none.insert_rule(0, rule)),
            "layer_name_to_config:\n  'a':\n    q_levels: 16");
  const TransformEditor frame(empty_transform_text());
  EXPECT_EQ(frame.rule_count(), 1);
  EXPECT_TRUE(frame.insert_rule(0, rule).ok());
}

TEST(TransformEditor, DeletesARuleWithItsComments) {
  const TransformEditor editor(shared_file());
  EXPECT_EQ(after(editor, editor.delete_rules({3})),
            replaced(shared_file(), "  # the head\n  'lm_head': null # plain\n", ""));
  EXPECT_EQ(after(editor, editor.delete_rules({1})),
            replaced(shared_file(),
                     "  # projections\n  \"p\": \n    <<: *common\n    q_seed: 3\n\n", ""));
  EXPECT_EQ(after(editor, editor.delete_rules({0})),
            replaced(replaced(shared_file(),
                              "  # attention\n  'a\\.b': &common # named\n    q_levels: 256 # "
                              "levels\n    q_lut_min: 0.020040\n\n",
                              ""),
                     "*common", "&common {q_levels: 256, q_lut_min: 0.020040}"));
  EXPECT_EQ(after(editor, editor.delete_rules({0, 1, 2, 3})),
            "# head\nuse_regex: true\n\nlayer_name_to_config: {}\n");
  const TransformEditor bare("# c\na: null\n");
  EXPECT_EQ(after(bare, bare.delete_rules({0})), "# c\nlayer_name_to_config: {}\n");
  const TransformEditor flow("layer_name_to_config: {a: null, b: {q: 1}, c: null}\n");
  EXPECT_EQ(after(flow, flow.delete_rules({1})), "layer_name_to_config: {a: null, c: null}\n");
  EXPECT_EQ(after(flow, flow.delete_rules({2, 1})), "layer_name_to_config: {a: null}\n");
  const TransformEditor open("a: null\nb: null");
  EXPECT_EQ(after(open, open.delete_rules({1})), "a: null");
}

TEST(TransformEditor, MovesARuleWithItsComments) {
  const std::string a = "  # first\n  a:\n    q: 1 # one\n    # deeper\n";
  const std::string b = "  b: null\n";
  const std::string c = "  c: {q: 3}\n";
  const std::string head = "layer_name_to_config:\n";
  const TransformEditor editor(head + a + "\n" + b + "\n" + c);
  EXPECT_EQ(after(editor, editor.move_rule(0, 1)), head + b + "\n" + a + "\n" + c);
  EXPECT_EQ(after(editor, editor.move_rule(0, 2)), head + b + "\n" + c + "\n" + a);
  EXPECT_EQ(after(editor, editor.move_rule(2, 0)), head + c + "\n" + a + "\n" + b);
  const TransformEditor open("a: null\nb: null\nc: null");
  EXPECT_EQ(after(open, open.move_rule(0, 2)), "b: null\nc: null\na: null");
  EXPECT_EQ(after(open, open.move_rule(2, 0)), "c: null\na: null\nb: null");
  const TransformEditor flow("layer_name_to_config: {a: null, b: {q: 1}, c: null}\n");
  EXPECT_EQ(after(flow, flow.move_rule(0, 2)),
            "layer_name_to_config: {b: {q: 1}, c: null, a: null}\n");
  EXPECT_EQ(after(flow, flow.move_rule(2, 1)),
            "layer_name_to_config: {a: null, c: null, b: {q: 1}}\n");
}

TEST(TransformEditor, MovingANamedRuleBelowItsUsersKeepsEveryValue) {
  const TransformEditor editor("a: &n\n  q: 1\n  r: 2\nb: *n\nc:\n  <<: *n\n  s: 3\n");
  EXPECT_EQ(after(editor, editor.move_rule(0, 2)),
            "b: &n {q: 1, r: 2}\nc:\n  <<: *n\n  s: 3\na:\n  q: 1\n  r: 2\n");
  EXPECT_EQ(after(editor, editor.move_rule(2, 0)),
            "c:\n  <<: &n {q: 1, r: 2}\n  s: 3\na:\n  q: 1\n  r: 2\nb: *n\n");
}

TEST(TransformEditor, DuplicatesARuleUnderAPatternThatMatchesTheSame) {
  const TransformEditor editor(shared_file());
  EXPECT_EQ(after(editor, editor.duplicate_rule(0)),
            replaced(shared_file(), "0.020040\n\n",
                     "0.020040\n\n  '(?:a\\.b)': # named\n    q_levels: 256 # levels\n    "
                     "q_lut_min: 0.020040\n\n"));
  const TransformEditor fallback("default: {q_levels: 2}\nlm_head: null\n");
  EXPECT_EQ(after(fallback, fallback.duplicate_rule(0)),
            "default: {q_levels: 2}\nlm_head: null\n'.*': {q_levels: 2}\n");
}

TEST(TransformEditor, EditsTheRoot) {
  const TransformEditor editor(shared_file());
  EXPECT_EQ(after(editor, editor.set_use_regex(false)),
            replaced(shared_file(), "use_regex: true", "use_regex: false"));
  EXPECT_EQ(after(editor, editor.set_file_paradigm("optical_transformer")),
            replaced(shared_file(), "use_regex", "paradigm: optical_transformer\nuse_regex"));
  const TransformEditor bare("a: null\n");
  EXPECT_NE(after(bare, bare.set_use_regex(false)).find("refused"), std::string::npos);
}

TEST(TransformEditor, KeepsRulesOfUnknownParadigmsEditable) {
  const TransformEditor editor(
      "layer_name_to_config:\n  a: {paradigm: nobody, tile: [1, 2]}\n  b: 5\n");
  EXPECT_EQ(after(editor, editor.set_value(0, "tile", "[3, 4]")),
            "layer_name_to_config:\n  a: {paradigm: nobody, tile: [3, 4]}\n  b: 5\n");
  EXPECT_NE(after(editor, editor.set_value(1, "tile", "1")).find("refused"), std::string::npos);
  EXPECT_EQ(after(editor, editor.leave_alone(1)),
            "layer_name_to_config:\n  a: {paradigm: nobody, tile: [1, 2]}\n  b: null\n");
}

TEST(TransformEditor, RefusesWhatIsNoValueAndTextsItCannotRead) {
  const TransformEditor editor("a: {q: 1}\n");
  for (const char* bad : {"", "1, r: 2", "}", "\"", "1 # c", "a: b: c", "&x", "*x"})
    EXPECT_FALSE(editor.set_value(0, "q", bad).ok()) << bad;
  for (const char* text : {"a: [", "by: type\n", "layer_name_to_config: 5\n", "- a\n"}) {
    const TransformEditor other(text);
    EXPECT_FALSE(other.can_edit()) << text;
    EXPECT_FALSE(other.insert_rule(0, {"a", true, {}}).ok()) << text;
    EXPECT_FALSE(other.move_rule(0, 1).ok()) << text;
  }
}

TEST(TransformEditor, DeletesTheSecondOfADuplicateKey) {
  const std::string text = "a: {q: 1}\nb: null\na: # again\n  q: 2\nc: null\n";
  const TransformEditor editor(text);
  ASSERT_EQ(editor.problems().size(), 1u);
  EXPECT_EQ(after(editor, editor.delete_pair_at(text.find("a: # again"))),
            "a: {q: 1}\nb: null\nc: null\n");
}

TEST(TransformEditor, RenamesAMistypedKey) {
  const TransformEditor editor("a: &x {q_level: 1}\nb:\n  <<: *x\n  'q_lutmin': 0.5\n");
  EXPECT_EQ(after(editor, editor.rename_key(0, "q_level", "q_levels")),
            "a: &x {q_levels: 1}\nb:\n  <<: *x\n  'q_lutmin': 0.5\n");
  EXPECT_EQ(after(editor, editor.rename_key(1, "q_lutmin", "q_lut_min")),
            "a: &x {q_level: 1}\nb:\n  <<: *x\n  'q_lut_min': 0.5\n");
}

TEST(TransformEditor, WritesNumbersInTheirShortestForm) {
  EXPECT_EQ(yaml_value(ParamValue{1e-5}), "1.0e-05");
  EXPECT_EQ(yaml_value(ParamValue{0.020040}), "0.02004");
  EXPECT_EQ(yaml_value(ParamValue{std::int64_t{256}}), "256");
  EXPECT_EQ(yaml_value(ParamValue{}), "null");
  EXPECT_EQ(yaml_value(ParamValue{RealPair{0.001, 0.999}}), "[0.001, 0.999]");
  EXPECT_EQ(yaml_value(ParamValue{std::string("yes")}), "\"yes\"");
}

TEST(TransformEditor, TellsTheRuleAtAPlace) {
  const TransformEditor editor(shared_file());
  EXPECT_EQ(editor.rule_at(0), -1);
  EXPECT_EQ(editor.rule_at(shared_file().find("# attention")), 0);
  EXPECT_EQ(editor.rule_at(shared_file().find("q_seed")), 1);
  EXPECT_EQ(editor.rule_at(shared_file().find("# plain")), 3);
}

TEST(TransformEditor, SetsSeveralRulesInOneEdit) {
  const TransformEditor editor(shared_file());
  const EditResult result = editor.set_value({1, 2}, "q_levels", "32");
  EXPECT_EQ(result.edit.title, "Set q_levels to 32 on rules 2, 3");
  EXPECT_EQ(after(editor, result),
            replaced(replaced(shared_file(), "q_seed: 3\n", "q_seed: 3\n    q_levels: 32\n"),
                     "whole: *common #", "whole: {<<: *common, q_levels: 32} #"));
}

TEST(TransformEditor, ReplacesAllValuesOfARule) {
  const TransformEditor editor("a: null # c\nb:\n  x: 1\n  y: 2\n");
  EXPECT_EQ(after(editor, editor.set_entries(0, {{"q_levels", "4"}, {"q_bypass", "true"}})),
            "a: # c\n  q_levels: 4\n  q_bypass: true\nb:\n  x: 1\n  y: 2\n");
  EXPECT_EQ(after(editor, editor.set_entries(1, {{"q_levels", "4"}})),
            "a: null # c\nb:\n  q_levels: 4\n");
  EXPECT_EQ(after(editor, editor.set_entries(1, {})), "a: null # c\nb: {}\n");
}

}  // namespace
}  // namespace engine
