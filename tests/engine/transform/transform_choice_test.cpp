// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_choice.h"

#include "engine/checkpoint/transform_record.h"
#include "engine/error.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"
#include "tests/support/transform_texts.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

class ChooseTransform : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("model/config.json", tests::tiny_llama_config());
    plain_ = read_llama_config(folder_ / "model/config.json");
    file_ = folder_.write("optical.yaml", tests::kOpticalRules).string();
    // A checkpoint that was trained under it.
    const std::string digest = choose_transform(file_, {}, plain_).digest;
    folder_.write("trained/transform.yaml", tests::kOpticalRules);
    folder_.write("trained/config.json",
                  with_transform_record(tests::tiny_llama_config(), "transform.yaml", digest));
    trained_ = read_llama_config(folder_ / "trained/config.json");
  }

  TransformChoice choose(const std::optional<std::string>& flag) {
    return choose_transform(flag, folder_ / "trained", trained_);
  }

  static bool says(const TransformChoice& choice, const std::string& words) {
    for (const std::string& note : choice.notes) {
      if (note.find(words) != std::string::npos) return true;
    }
    return false;
  }

  std::string with(const std::string& from, const std::string& to) {
    std::string text = tests::kOpticalRules;
    return folder_.write("other.yaml", text.replace(text.find(from), from.size(), to)).string();
  }

  tests::ScratchFolder folder_;
  LlamaConfig plain_;
  LlamaConfig trained_;
  std::string file_;
};

TEST_F(ChooseTransform, NothingRecordedAndNothingAskedForIsPlainAndSaid) {
  const TransformChoice choice = choose_transform(std::nullopt, folder_ / "model", plain_);
  EXPECT_TRUE(choice.is_plain());
  EXPECT_EQ(choice.label, "none");
  EXPECT_TRUE(choice.digest.empty());
  EXPECT_TRUE(says(choice, "No transform"));
}

TEST_F(ChooseTransform, TheRecordedOneIsAppliedAgainAndSaid) {
  const TransformChoice choice = choose(std::nullopt);
  EXPECT_TRUE(choice.is_recorded);
  EXPECT_EQ(choice.label, (folder_ / "trained/transform.yaml").string());
  EXPECT_EQ(choice.kept_layers.size(), 16u);
  EXPECT_TRUE(says(choice, "applied again"));
  EXPECT_FALSE(says(choice, "no longer resolves"));
}

TEST_F(ChooseTransform, SchedulesAreSaidAndAreADifferentEffect) {
  const std::string ramp = with("0.020040", "{from: 0.1, to: 0.020040, steps: 20, shape: log}");
  const TransformChoice choice = choose(ramp);
  EXPECT_TRUE(says(choice,
                   "Scheduled by model\\.layers\\.[0-9]+\\.self_attn: q_lut_min 0.1 → 0.02004 over "
                   "20 steps, log"));
  EXPECT_TRUE(choice.kept_layers.empty());
  EXPECT_NE(choice.digest, choose(file_).digest);
  EXPECT_EQ(choose(ramp).digest, choice.digest);
}

TEST_F(ChooseTransform, AFormatLeftToTheComputeDtypeIsSaidAndDecidesTheDigest) {
  const std::string file =
      folder_.write("flips.yaml", "layer_name_to_config:\n  default: {x_p_frac: 0.25}\n").string();
  const TransformChoice narrow = choose_transform(file, {}, plain_, "bf16");
  EXPECT_TRUE(says(narrow, "storage_dtype of default is bf16, the compute dtype"));
  EXPECT_NE(narrow.digest, choose_transform(file, {}, plain_, "fp32").digest);
  EXPECT_EQ(with_rules(narrow, *narrow.config, plain_).digest, narrow.digest);
  // Ranges do not depend on it.
  EXPECT_EQ(choose_transform(file_, {}, plain_, "bf16").digest,
            choose_transform(file_, {}, plain_, "fp32").digest);
}

TEST_F(ChooseTransform, AnEditedRecordIsSaid) {
  folder_.write("trained/transform.yaml", tests::content_of(with("q_levels: 256", "q_levels: 64")));
  EXPECT_TRUE(says(choose(std::nullopt), "no longer resolves"));
}

TEST_F(ChooseTransform, NoneLeavesTheRecordedOneOutAndSaysSo) {
  const TransformChoice choice = choose("none");
  EXPECT_TRUE(choice.is_plain());
  EXPECT_TRUE(says(choice, "--transform_config none leaves out"));
}

TEST_F(ChooseTransform, AnotherFileKeepsTheStateOfLayersWhoseValuesAreTheSame) {
  const TransformChoice same = choose(file_);
  EXPECT_EQ(same.digest, choose(std::nullopt).digest);
  EXPECT_EQ(same.kept_layers.size(), 16u);
  const TransformChoice other = choose(with("lm_head: null", "lm_head: {q_levels: 16}"));
  EXPECT_NE(other.digest, same.digest);
  EXPECT_EQ(other.plan.replacements().size(), 17u);
  EXPECT_EQ(other.kept_layers.size(), 16u);
  EXPECT_TRUE(says(other, "16 of its 17 layers"));
  EXPECT_TRUE(choose(with("q_levels: 256", "q_levels: 64")).kept_layers.empty());
}

TEST_F(ChooseTransform, ErrorsOfFileAndPlanEndIt) {
  EXPECT_THROW(choose((folder_ / "missing.yaml").string()), Error);
  EXPECT_THROW(choose(with("q_levels: 256", "q_levels: 1")), Error);
  EXPECT_THROW(choose(with("  lm_head: null\n", "")), Error);  // a layer without a rule
}

TEST_F(ChooseTransform, ARecordWithoutItsFileIsAnError) {
  std::filesystem::remove(folder_ / "trained/transform.yaml");
  EXPECT_THROW(choose(std::nullopt), Error);
  EXPECT_TRUE(choose("none").is_plain());
}

}  // namespace
}  // namespace engine
