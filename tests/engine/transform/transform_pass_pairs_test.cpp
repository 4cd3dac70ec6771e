// SPDX-License-Identifier: GPL-3.0-or-later
// A thousand random pairs of a configuration and a model: what the plan says, what the layers of
// the really transformed model are, and what plain predicates over the layers say are one and the
// same.
#include "engine/model/llama_initialise.h"
#include "engine/paradigms/optical_transformer/optical_attention.h"
#include "engine/paradigms/optical_transformer/optical_linear.h"
#include "engine/paradigms/random_bitflip/bit_flip_linear.h"
#include "engine/transform/transform_pass.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>

namespace engine {
namespace {

/// Hands on to the real one and remembers the values that each layer got.
class Listening final : public Paradigm {
 public:
  Listening(std::shared_ptr<Paradigm> real, std::map<std::string, ParamValues>& heard)
      : real_(std::move(real)), heard_(heard) {}
  std::string id() const override { return real_->id(); }
  std::unique_ptr<LinearLayer> replace(std::unique_ptr<LinearLayer> original,
                                       const ParamValues& values,
                                       const ReplaceContext& context) const override {
    heard_[original->name()] = values;
    return real_->replace(std::move(original), values, context);
  }
  std::unique_ptr<AttentionCore> replace(std::unique_ptr<AttentionCore> original,
                                         const ParamValues& values,
                                         const ReplaceContext& context) const override {
    heard_[original->name()] = values;
    return real_->replace(std::move(original), values, context);
  }

 private:
  std::shared_ptr<Paradigm> real_;
  std::map<std::string, ParamValues>& heard_;
};

/// A pattern, and the same said without one. `block` is -1 for the head, `part` the name within it.
struct Selector {
  std::string pattern;
  std::function<bool(int block, const std::string& part)> selects;
};

struct RandomRule {
  Selector selector;
  std::string effect;  ///< "" = leave alone, else a paradigm
  int value = 0;       ///< tells the rules apart: q_levels, or x_seed_exp
};

class RandomPair {
 public:
  explicit RandomPair(unsigned seed) : random_(seed) {
    model_.num_hidden_layers = 1 + below(4);
    model_.hidden_size = 8;
    model_.intermediate_size = 12;
    model_.num_attention_heads = model_.num_key_value_heads = 2;
    model_.head_dim = 4;
    model_.vocab_size = 16;
    model_.tie_word_embeddings = below(3) == 0;
    model_.attention_bias = below(3) == 0;
    const int count = below(7);
    for (int i = 0; i < count; ++i) rules_.push_back({some_selector(i), some_effect(), 4 + i});
    fallback_ = {{"default", {}}, some_effect(), 100};
    fallback_place_ = below(count + 1);
  }

  void check() {
    const ParsedTransform parsed = parse_transform_config(text(), "t.yaml", paradigm_infos());
    ASSERT_FALSE(has_errors(parsed.problems)) << to_string(parsed.problems[0]) << "\n" << text();
    const TransformPlan plan =
        plan_transform(layer_inventory(model_), parsed.config, paradigm_infos());
    ASSERT_FALSE(has_errors(plan.problems)) << text();
    Llama model(model_, initial_weights(model_, 1));
    std::map<std::string, ParamValues> heard;
    std::vector<std::shared_ptr<Paradigm>> listening;
    for (const auto& paradigm : all_paradigms())
      listening.push_back(std::make_shared<Listening>(paradigm, heard));
    apply_transform(model, plan, listening, {});

    std::size_t transformed = 0;
    for (auto* slot : model.attention_slots()) {
      const auto* optical = dynamic_cast<const optical_transformer::OpticalAttention*>(&**slot);
      transformed += expect((*slot)->name(), LayerKind::attention, (*slot)->is_transformed(),
                            optical ? "optical_transformer" : "", plan, heard);
    }
    for (auto* slot : model.linear_slots()) {
      const LinearLayer* layer = &**slot;
      const char* is =
          dynamic_cast<const optical_transformer::OpticalLinear*>(layer) ? "optical_transformer"
          : dynamic_cast<const random_bitflip::BitFlipLinear*>(layer)    ? "random_bitflip"
                                                                         : "";
      transformed +=
          expect((*slot)->name(), LayerKind::linear, layer->is_transformed(), is, plan, heard);
    }
    EXPECT_EQ(heard.size(), transformed);
    EXPECT_EQ(plan.histogram.layer_count(), static_cast<int>(transformed));
    EXPECT_EQ(plan.replacements().size(), transformed);
  }

  std::string text() const {
    std::string text = "layer_name_to_config:\n";
    for (std::size_t i = 0; i <= rules_.size(); ++i) {
      if (static_cast<int>(i) == fallback_place_) text += line(fallback_);
      if (i < rules_.size()) text += line(rules_[i]);
    }
    return text;
  }

 private:
  int below(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }

  std::string some_effect() {
    static const std::vector<std::string> effects{"", "optical_transformer", "random_bitflip"};
    return effects[random_() % 3];
  }

  /// `number` makes patterns differ, which as keys they must.
  Selector some_selector(int number) {
    static const std::vector<std::string> parts{
        "self_attn",        "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
        "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};
    const std::string unique = fmt::format("(?:{}{{0}})?", number);
    const int block = below(4);
    const std::string part = parts[random_() % parts.size()];
    std::string escaped;
    for (char c : part) escaped += c == '.' ? std::string("\\.") : std::string(1, c);
    switch (below(7)) {
      case 0:
        return {fmt::format("model\\.layers\\.[0-9]+\\.{}{}", escaped, unique),
                [part](int b, const std::string& p) { return b >= 0 && p == part; }};
      case 1:
        return {fmt::format("model\\.layers\\.{}\\..*{}", block, unique),
                [block](int b, const std::string&) { return b == block; }};
      case 2:
        return {fmt::format("model.layers.{}.{}{}", block, part, unique),
                [block, part](int b, const std::string& p) { return b == block && p == part; }};
      case 3:
        return {".*_proj" + unique,
                [](int b, const std::string& p) { return b >= 0 && p != "self_attn"; }};
      case 4:
        return {"lm_head" + unique, [](int b, const std::string&) { return b < 0; }};
      case 5:
        return {"(?i)MODEL\\..*\\.MLP\\.(gate|up)_proj" + unique, [](int, const std::string& p) {
                  return p == "mlp.gate_proj" || p == "mlp.up_proj";
                }};
      default:
        return {"mlp" + unique, [](int, const std::string&) { return false; }};
    }
  }

  static std::string line(const RandomRule& rule) {
    if (rule.effect.empty()) return fmt::format("  '{}': null\n", rule.selector.pattern);
    return rule.effect == "random_bitflip"
               ? fmt::format("  '{}': {{x_p_exp: 0.25, x_seed_exp: {}}}\n", rule.selector.pattern,
                             rule.value)
               : fmt::format("  '{}': {{q_levels: {}}}\n", rule.selector.pattern, rule.value);
  }

  const RandomRule& winner(const std::string& layer) const {
    const std::string head = "model.layers.";
    const bool in_block = layer.compare(0, head.size(), head) == 0;
    const int block = in_block ? std::stoi(layer.substr(head.size())) : -1;
    const std::string part = in_block ? layer.substr(layer.find('.', head.size()) + 1) : layer;
    for (const RandomRule& rule : rules_)
      if (rule.selector.selects(block, part)) return rule;
    return fallback_;
  }

  std::size_t expect(const std::string& layer, LayerKind kind, bool is_transformed,
                     const std::string& paradigm, const TransformPlan& plan,
                     const std::map<std::string, ParamValues>& heard) const {
    const RandomRule& rule = winner(layer);
    const bool handles = rule.effect == "optical_transformer" ||
                         (rule.effect == "random_bitflip" && kind == LayerKind::linear);
    EXPECT_EQ(is_transformed, handles) << layer << "\n" << text();
    EXPECT_EQ(paradigm, handles ? rule.effect : "") << layer << "\n" << text();
    const Assignment* assignment = plan.find(layer);
    if (assignment == nullptr) {  // not looked up: no paradigm of the file replaces this kind
      EXPECT_FALSE(is_transformed) << layer << "\n" << text();
      return 0;
    }
    EXPECT_EQ(assignment->outcome == Outcome::transformed, is_transformed) << layer << "\n"
                                                                           << text();
    EXPECT_EQ(assignment->paradigm, paradigm) << layer;
    if (!is_transformed) return 0;
    const char* key = rule.effect == "random_bitflip" ? "x_seed_exp" : "q_levels";
    const auto values = heard.find(layer);
    if (values == heard.end()) {
      ADD_FAILURE() << layer << " was not replaced";
      return 1;
    }
    EXPECT_EQ(values->second.get_int(key), rule.value) << layer << "\n" << text();
    EXPECT_TRUE(values->second.same_values(assignment->values)) << layer;
    return 1;
  }

  std::mt19937 random_;
  LlamaConfig model_;
  std::vector<RandomRule> rules_;
  RandomRule fallback_;
  int fallback_place_ = 0;
};

TEST(TransformPassPairs, PlansEqualTheTransformedModelOnAThousandRandomPairs) {
  for (unsigned seed = 0; seed < 1000 && !HasFailure(); ++seed) RandomPair(seed).check();
}

}  // namespace
}  // namespace engine
