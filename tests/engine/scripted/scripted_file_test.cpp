// SPDX-License-Identifier: GPL-3.0-or-later
// What is known of a TorchScript file without LibTorch, and how a transform file finds it.
#include "engine/scripted/scripted_file.h"

#include "engine/config/transform_config.h"
#include "engine/digest.h"
#include "engine/error.h"
#include "engine/scripted/scripted_search.h"
#include "engine/transform/transform_plan.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace engine {
namespace {

namespace fs = std::filesystem;

fs::path golden(const std::string& name) {
  return PARADIGM_SOURCE_DIR "/tests/golden/paradigms/" + name + ".pt";
}

ScriptedFilePtr read(const std::string& name) { return read_scripted_file(golden(name), name); }

/// All that reading complains about, one line each.
std::string complaints(const fs::path& file) {
  try {
    read_scripted_file(file, "device");
  } catch (const Error& error) {
    std::string text;
    for (const Problem& problem : error.problems()) text += to_string(problem) + "\n";
    return text;
  }
  return "";
}

LayerInventory two_layers() {
  LayerInfo attention, linear;
  attention.name = "model.layers.0.self_attn";
  attention.kind = LayerKind::attention;
  linear.name = "model.layers.0.mlp.up_proj";
  return LayerInventory({attention, linear});
}

TEST(ScriptedFile, AttributesWithTheirDefaultsAreTheParameters) {
  const ScriptedFilePtr file = read("plainspoken");
  std::string text;
  for (const ParamSpec& spec : file->info.schema.specs())
    text += spec.name + "=" + to_string(spec.default_value) + (spec.is_nullable ? "? " : " ");
  EXPECT_EQ(text,
            "levels=3000000000 gain=0.125 is_noisy=true mode=soft cut=null? limit=-7? seed=0 "
            "bypass=false ");
  EXPECT_EQ(file->info.schema.find("levels")->kind, ParamKind::integer);
  EXPECT_EQ(file->info.schema.find("gain")->kind, ParamKind::real);
  EXPECT_EQ(file->info.schema.find("cut")->kind, ParamKind::real);
  EXPECT_EQ(file->info.schema.find("limit")->kind, ParamKind::integer);
  EXPECT_EQ(file->info.schema.find("mode")->kind, ParamKind::text);
}

TEST(ScriptedFile, TargetsAndNoisesComeFromTheMethods) {
  const ScriptedFilePtr plain = read("plainspoken");
  EXPECT_EQ(plain->info.targets, std::vector<LayerKind>{LayerKind::linear});
  ASSERT_EQ(plain->linear->noises.size(), 2u);
  EXPECT_EQ(plain->linear->noises[1].name, "write");
  EXPECT_TRUE(plain->state.empty());  // nothing observes, so the buffer cannot change

  const ScriptedFilePtr noise = read("noise");
  EXPECT_TRUE(noise->info.handles(LayerKind::attention));
  EXPECT_TRUE(noise->attention->takes_mask);
  ASSERT_EQ(noise->attention->noises.size(), 1u);
  EXPECT_EQ(noise->attention->noises[0].shape, NoiseShape::scores);
  EXPECT_EQ(noise->linear->noises[1].kind, NoiseKind::uniform);
  EXPECT_EQ(noise->linear->noises[2].shape, NoiseShape::weight);
  EXPECT_EQ(noise->linear->noises[3].period, NoisePeriod::run);

  EXPECT_EQ(read("tracker")->state, (std::vector<std::string>{"x_max", "calls"}));
}

TEST(ScriptedFile, TheJsonAddsRangesHelpAndChoices) {
  const ScriptedFilePtr file = read_scripted_file(
      PARADIGM_SOURCE_DIR "/configs/paradigms/photodetector/photodetector.pt", "photodetector");
  EXPECT_EQ(file->info.title, "Photodetector with shot noise");
  const ParamSpec& photons = *file->info.schema.find("photons");
  EXPECT_EQ(allowed_range(photons), "(0, inf)");
  EXPECT_TRUE(photons.is_log_scale);
  EXPECT_TRUE(photons.takes_schedule);
  EXPECT_NE(photons.help_text.find("Detected"), std::string::npos);
  EXPECT_EQ(read("noise")->info.schema.find("which")->choices.size(), 4u);
}

TEST(ScriptedFile, WhatIsNotATorchScriptFileIsSaid) {
  const tests::ScratchFolder folder;
  const std::string whole = tests::content_of(golden("plainspoken"));
  const auto says = [&](const std::string& content, const std::string& words) {
    const std::string text = complaints(folder.write("device.pt", content));
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  says("", "not a TorchScript file");
  says("import torch", "does not begin as a zip archive does");
  says(whole.substr(0, whole.size() / 2), "cut short");
  says(tests::content_of(golden("state_dict")), "not with torch.save");
  std::string damaged = whole;
  damaged[damaged.find("data.pkl") + 70] ^= 1;
  says(damaged, "damaged");
  EXPECT_NE(complaints(folder / "missing.pt").find("does not exist"), std::string::npos);
  EXPECT_NE(complaints(folder.path()).find("not a regular file"), std::string::npos);
}

TEST(ScriptedFile, EveryCutAndEveryFlippedByteIsAnErrorOrAFile) {
  const tests::ScratchFolder folder;
  const std::string whole = tests::content_of(golden("tracker"));
  for (std::size_t at = 0; at < whole.size(); at += 17) {
    complaints(folder.write("cut.pt", whole.substr(0, at)));
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    complaints(folder.write("flipped.pt", flipped));
  }
}

TEST(ScriptedFile, AWrongModuleIsToldWhatToWrite) {
  EXPECT_NE(complaints(golden("no_method")).find("neither a method forward nor attention"),
            std::string::npos);
  const std::string signature = complaints(golden("wrong_signature"));
  EXPECT_NE(signature.find("bias: Tensor, levels: int) -> Tensor"), std::string::npos) << signature;
  EXPECT_NE(signature.find("bias: Optional[Tensor]"), std::string::npos);
  EXPECT_NE(complaints(golden("learned")).find("nn.Parameter scale"), std::string::npos);
}

TEST(ScriptedFile, EverythingWrongInTheJsonIsSaidAtOnce) {
  const std::string text = complaints(golden("bad_json"));
  for (const char* words :
       {"unknown key titel", "Did you mean title?", "unknown key parameters.gain.colour",
        "parameters.levels is 5", "noise.read.kind is \"pink\"", "parameter voltage",
        "noise other, which no method takes", "mode has a range, but is not a number",
        "is_noisy has choices, but is not a text", "targets has convolution", "state names nothing",
        "write is like a tensor of attention", "gain is 0.125"})
    EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
}

class ScriptedRule : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::copy_file(golden("tracker"), folder_ / "tracker.pt");
    setenv("PARADIGM_PATH", (folder_ / "search").c_str(), 1);
  }
  void TearDown() override { unsetenv("PARADIGM_PATH"); }

  ParsedTransform parsed(const std::string& reference, const std::string& values = "") {
    return parse_transform_config(
        "layer_name_to_config:\n  default:\n    paradigm: " + reference + "\n" + values,
        (folder_ / "rule.yaml").string(), paradigm_infos());
  }
  static std::string text_of(const std::vector<Problem>& problems) {
    std::string text;
    for (const Problem& problem : problems) text += to_string(problem) + "\n";
    return text;
  }

  tests::ScratchFolder folder_;
};

TEST_F(ScriptedRule, APathIsRelativeToTheTransformFile) {
  const ParsedTransform transform = parsed("./tracker.pt", "    seed: 3\n");
  EXPECT_TRUE(transform.problems.empty()) << text_of(transform.problems);
  EXPECT_EQ(transform.config.rules[0].paradigm, "tracker");
  const TransformPlan plan = plan_transform(two_layers(), transform.config, paradigm_infos());
  const Assignment* assignment = plan.find("model.layers.0.mlp.up_proj");
  ASSERT_NE(assignment, nullptr);
  EXPECT_EQ(assignment->outcome, Outcome::transformed);
  EXPECT_EQ(assignment->values.get_int("seed"), 3);
  EXPECT_EQ(assignment->paradigm_digest, sha256_hex(tests::content_of(golden("tracker"))));
}

TEST_F(ScriptedRule, ItsKeysAreCheckedLikeAnyOther) {
  const std::string text = text_of(parsed("./tracker.pt", "    sed: 3\n    bypass: 7\n").problems);
  EXPECT_NE(text.find("unknown key sed of tracker"), std::string::npos) << text;
  EXPECT_NE(text.find("rule.yaml:4"), std::string::npos) << text;
  EXPECT_NE(text.find("bypass"), std::string::npos) << text;
}

TEST_F(ScriptedRule, ANameIsLookedForInTheParadigmFolders) {
  EXPECT_NE(text_of(parsed("lab_device").problems).find("there is no paradigm lab_device"),
            std::string::npos);
  fs::create_directories(folder_ / "search/lab_device");
  EXPECT_NE(text_of(parsed("lab_device").problems).find("holds 0 files"), std::string::npos);
  fs::copy_file(golden("tracker"), folder_ / "search/lab_device/version7.pt");
  const ParsedTransform transform = parsed("lab_device");
  EXPECT_TRUE(transform.problems.empty()) << text_of(transform.problems);
  EXPECT_EQ(transform.config.rules[0].paradigm, "lab_device");
}

TEST_F(ScriptedRule, AProblemStandsAtTheRuleAndNamesTheFile) {
  const std::vector<Problem> missing = parsed("./nowhere.pt").problems;
  ASSERT_EQ(missing.size(), 1u) << text_of(missing);
  EXPECT_EQ(missing[0].place.line, 3);
  EXPECT_NE(missing[0].message.find((folder_ / "nowhere.pt").string()), std::string::npos);
  fs::copy_file(golden("learned"), folder_ / "learned.pt");
  const std::vector<Problem> bad = parsed("./learned.pt").problems;
  ASSERT_EQ(bad.size(), 1u) << text_of(bad);
  EXPECT_NE(bad[0].message.find("learned.pt: it holds the nn.Parameter"), std::string::npos);
}

TEST_F(ScriptedRule, TwoFilesOfOneNameAreRefused) {
  fs::create_directories(folder_ / "other");
  fs::copy_file(golden("noise"), folder_ / "other/tracker.pt");
  const std::string text =
      text_of(parsed("./tracker.pt", "  lm_head:\n    paradigm: other/tracker.pt\n").problems);
  EXPECT_NE(text.find("has the name of another paradigm, tracker"), std::string::npos) << text;
}

TEST_F(ScriptedRule, TheCopyThatBelongsToATransformFileComesFirst) {
  fs::copy_file(golden("noise"), folder_ / "rule.tracker.pt");
  const ParsedTransform transform = parsed("../devices/tracker.pt");
  ASSERT_EQ(transform.config.scripted.size(), 1u) << text_of(transform.problems);
  EXPECT_EQ(transform.config.scripted[0]->info.id, "tracker");
  EXPECT_EQ(transform.config.scripted[0]->path, folder_ / "rule.tracker.pt");
}

TEST_F(ScriptedRule, AnotherContentIsAnotherTransform) {
  const auto digest = [&] {
    return transform_digest(
        plan_transform(two_layers(), parsed("./tracker.pt").config, paradigm_infos()));
  };
  const std::string before = digest();
  EXPECT_EQ(digest(), before);
  tests::append_to(folder_ / "tracker.pt", "a comment behind the archive");
  EXPECT_NE(digest(), before);
}

}  // namespace
}  // namespace engine
