// SPDX-License-Identifier: GPL-3.0-or-later
// Damaged versions of good files: whatever a disk or an editor makes of them ends in a value or in
// problems.
#include "engine/config/run_config.h"
#include "engine/model/llama_config.h"
#include "engine/transform/transform_plan.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

namespace engine {
namespace {

std::string shipped_file() {
  std::ifstream file(PARADIGM_SOURCE_DIR "/configs/transforms/optical_transformer.yaml");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class Damage {
 public:
  std::string operator()(std::string text) {
    const int wounds = 1 + static_cast<int>(random_() % 3);
    for (int i = 0; i < wounds && !text.empty(); ++i) wound(text);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }

  void wound(std::string& text) {
    static const std::string interesting = "'\"\\:#&*[]{},|>%!?-~<\n\t ()+.\x80\xC3";
    const std::size_t at = below(text.size());
    switch (below(6)) {
      case 0:
        text[at] = static_cast<char>(random_());
        return;
      case 1:
        text.insert(at, 1, interesting[below(interesting.size())]);
        return;
      case 2:
        text.erase(at, 1 + below(20));
        return;
      case 3:
        text.resize(at);
        return;
      case 4:
        text.insert(at, text.substr(below(text.size()), below(200)));
        return;
      default:
        text[at] = interesting[below(interesting.size())];
    }
  }

  std::mt19937 random_{11};
};

int rounds() { return std::getenv("PARADIGM_LONG_TESTS") ? 100'000 : 2'000; }

void expect_places(const std::vector<Problem>& problems, const std::string& file) {
  for (const Problem& problem : problems) {
    EXPECT_EQ(problem.place.file, file) << to_string(problem);
    EXPECT_FALSE(problem.id.empty());
    EXPECT_FALSE(problem.message.empty()) << problem.id;
  }
}

TEST(MutatedFiles, TransformsEndInAPlanOrInProblems) {
  LlamaConfig llama;
  llama.hidden_size = 64;
  llama.intermediate_size = 128;
  llama.num_hidden_layers = 2;
  llama.num_attention_heads = llama.num_key_value_heads = 4;
  llama.head_dim = 16;
  llama.vocab_size = 256;
  const LayerInventory inventory = layer_inventory(llama);
  const std::vector<ParadigmInfo> infos = paradigm_infos();
  const std::string good = shipped_file();
  Damage damage;
  int refused = 0;
  for (int i = 0; i < rounds(); ++i) {
    const std::string text = damage(good);
    const ParsedTransform parsed = parse_transform_config(text, "t.yaml", infos);
    expect_places(parsed.problems, "t.yaml");
    const TransformPlan plan = plan_transform(inventory, parsed.config, infos);
    expect_places(plan.problems, "t.yaml");
    refused += has_errors(parsed.problems) || has_errors(plan.problems);
    if (HasFailure()) FAIL() << text;
  }
  EXPECT_GT(refused, rounds() / 4);
  EXPECT_LT(refused, rounds());
}

TEST(MutatedFiles, RunsEndInAConfigurationOrInProblems) {
  RunConfig run;
  run.model_name_or_path = "resources/demo/model";
  run.train_file = "a text.txt";
  run.do_train = true;
  const std::string good = run_yaml(run);
  Damage damage;
  int refused = 0;
  for (int i = 0; i < rounds(); ++i) {
    const std::string text = damage(good);
    std::vector<Problem> problems;
    const ParamValues values = parse_run_yaml(text, "run.yaml", problems);
    for (Problem& problem : problems_in(train_schema(), values))
      problems.push_back(std::move(problem));
    expect_places(problems, "run.yaml");
    refused += has_errors(problems);
    if (!has_errors(problems)) {
      const RunConfig read = run_config_from(values);
      std::vector<Problem> again;
      EXPECT_TRUE(values_of(run_config_from(parse_run_yaml(run_yaml(read), "again", again)))
                      .same_values(values_of(read)));
      EXPECT_TRUE(again.empty());
    }
    if (HasFailure()) FAIL() << text;
  }
  EXPECT_GT(refused, rounds() / 4);
  EXPECT_LT(refused, rounds());
}

}  // namespace
}  // namespace engine
