// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/llama_config.h"

#include "engine/error.h"
#include "engine/model/other_architectures.h"
#include "engine/printable.h"
#include "engine/strict_json.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

namespace engine {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLargestConfig = 16'000'000;
// Far above any model; they keep every product of sizes within 64 bits and an inventory within
// memory.
constexpr std::int64_t kWidest = std::int64_t{1} << 22;
constexpr std::int64_t kMostLayers = 10'000;
constexpr std::int64_t kLongest = std::int64_t{1} << 40;

std::string shown(const Json& value) {
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 80);
}

/// One object of config.json: asks for fields by name, and refuses by name and value.
class Fields {
 public:
  Fields(const Json& object, std::string file, std::string prefix = "")
      : object_(object), file_(std::move(file)), prefix_(std::move(prefix)) {}

  /// Null counts as absent, as transformers writes unset fields.
  const Json* find(const std::string& key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  [[noreturn]] void refuse(const std::string& key, const std::string& reason,
                           std::string remedy = "") const {
    const Json* value = find(key);
    Problem problem;
    problem.id = value != nullptr ? "bad-value" : "missing-field";
    problem.place.file = file_;
    problem.value = value != nullptr ? shown(*value) : "";
    problem.message = fmt::format("{}{} is {}: {}", prefix_, key,
                                  value != nullptr ? problem.value : "missing", reason);
    problem.remedy = remedy.empty()
                         ? "Correct the field, or use the config.json that belongs to the "
                           "weights"
                         : std::move(remedy);
    throw Error(std::move(problem));
  }

  std::int64_t size(const std::string& key, std::int64_t most) const {
    const Json* value = find(key);
    if (value == nullptr) refuse(key, "every Llama configuration names it");
    if (!value->is_number_integer() || *value < 1 || *value > most) {
      refuse(key, fmt::format("an integer between 1 and {} is expected", most));
    }
    return value->get<std::int64_t>();
  }

  std::int64_t size_or(const std::string& key, std::int64_t most, std::int64_t absent) const {
    return find(key) == nullptr ? absent : size(key, most);
  }

  /// A finite number in (0, inf).
  double positive(const std::string& key) const {
    const Json* value = find(key);
    if (value == nullptr) refuse(key, "a positive number is expected");
    if (!value->is_number() || !std::isfinite(value->get<double>()) || value->get<double>() <= 0) {
      refuse(key, "a positive number is expected");
    }
    return value->get<double>();
  }

  double positive_or(const std::string& key, double absent) const {
    return find(key) == nullptr ? absent : positive(key);
  }

  bool flag_or(const std::string& key, bool absent) const {
    const Json* value = find(key);
    if (value == nullptr) return absent;
    if (!value->is_boolean()) refuse(key, "true or false is expected");
    return value->get<bool>();
  }

  std::optional<std::string> text(const std::string& key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) refuse(key, "a string is expected");
    return value->get<std::string>();
  }

  const std::string& file() const { return file_; }

 private:
  const Json& object_;
  std::string file_;
  std::string prefix_;
};

/// What one spelling of the rope fields says. `theta` only where it stands inside the object.
struct Rope {
  std::optional<RopeScaling> scaling;
  std::optional<double> theta;
};

bool same(const std::optional<RopeScaling>& a, const std::optional<RopeScaling>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  if (a->type != b->type || a->factor != b->factor) return false;
  return a->type == "linear" ||
         (a->low_freq_factor == b->low_freq_factor && a->high_freq_factor == b->high_freq_factor &&
          a->original_max_position_embeddings == b->original_max_position_embeddings);
}

void refuse_partial_rotation(const Fields& fields) {
  if (fields.find("partial_rotary_factor") != nullptr &&
      fields.positive("partial_rotary_factor") != 1) {
    fields.refuse("partial_rotary_factor", "only rotation of the whole head (1) is supported");
  }
}

std::optional<Rope> read_rope(const Fields& outer, const Json* value, const std::string& key) {
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) outer.refuse(key, "an object or null is expected");
  const Fields fields(*value, outer.file(), key + ".");
  Rope rope;
  if (fields.find("rope_theta") != nullptr) rope.theta = fields.positive("rope_theta");
  refuse_partial_rotation(fields);
  const auto newer = fields.text("rope_type");
  const auto older = fields.text("type");
  if (newer && older && *newer != *older)
    fields.refuse("type", fmt::format("rope_type beside it is \"{}\"", printable(*newer)));
  const std::string type_key = newer ? "rope_type" : "type";
  const std::string type = newer ? *newer : older.value_or("");
  if (type.empty()) {
    const bool only_theta = value->empty() || (value->size() == 1 && rope.theta);
    if (!only_theta) fields.refuse("rope_type", "default, linear or llama3 is expected");
    return rope;
  }
  if (type == "default") return rope;
  if (type != "linear" && type != "llama3") {
    fields.refuse(type_key, "this rope type is not supported, only default, linear and llama3 are");
  }
  RopeScaling scaling{.type = type, .factor = fields.positive("factor")};
  if (type == "llama3") {
    scaling.low_freq_factor = fields.positive("low_freq_factor");
    scaling.high_freq_factor = fields.positive("high_freq_factor");
    scaling.original_max_position_embeddings =
        fields.size("original_max_position_embeddings", kLongest);
    if (scaling.high_freq_factor <= scaling.low_freq_factor) {
      fields.refuse("high_freq_factor",
                    fmt::format("it must be above low_freq_factor, {}", scaling.low_freq_factor));
    }
  }
  rope.scaling = std::move(scaling);
  return rope;
}

void read_rope_fields(const Fields& fields, LlamaConfig& config) {
  refuse_partial_rotation(fields);
  const auto older = read_rope(fields, fields.find("rope_scaling"), "rope_scaling");
  const auto newer = read_rope(fields, fields.find("rope_parameters"), "rope_parameters");
  if (older && newer && !same(older->scaling, newer->scaling)) {
    fields.refuse("rope_scaling", "rope_parameters beside it says something else",
                  "Keep the one that the model was trained with");
  }
  if (newer) {
    config.rope_scaling = newer->scaling;
  } else if (older) {
    config.rope_scaling = older->scaling;
  }
  std::optional<double> theta;
  if (fields.find("rope_theta") != nullptr) theta = fields.positive("rope_theta");
  for (const auto* rope : {&older, &newer}) {
    if (!*rope || !(*rope)->theta) continue;
    if (theta && *theta != *(*rope)->theta) {
      fields.refuse(rope == &older ? "rope_scaling" : "rope_parameters",
                    fmt::format("its rope_theta differs from the other rope_theta, {}", *theta),
                    "Keep the one that the model was trained with");
    }
    theta = (*rope)->theta;
  }
  config.rope_theta = theta.value_or(10000.0);
}

void check_architecture(const Fields& fields) {
  const auto model_type = fields.text("model_type");
  if (model_type && *model_type != "llama") {
    const std::string difference = how_it_differs(*model_type);
    fields.refuse(
        "model_type",
        "only llama is supported" +
            (difference.empty() ? std::string()
                                : fmt::format(", and {} {}", printable(*model_type), difference)),
        "Choose a checkpoint of the Llama architecture (LlamaForCausalLM)");
  }
  const Json* architectures = fields.find("architectures");
  if (architectures != nullptr) {
    if (!architectures->is_array()) fields.refuse("architectures", "a list is expected");
    for (const Json& name : *architectures) {
      if (name != "LlamaForCausalLM") {
        fields.refuse("architectures", "only LlamaForCausalLM is supported",
                      "Choose a checkpoint of the Llama architecture with a language-model head");
      }
    }
  }
  if (!model_type && (architectures == nullptr || architectures->empty())) {
    fields.refuse("model_type", "\"llama\" is expected",
                  "Name the folder of a Hugging Face Llama checkpoint");
  }
  if (const auto act = fields.text("hidden_act"); act && *act != "silu") {
    fields.refuse("hidden_act", "only silu is supported");
  }
  if (fields.find("quantization_config") != nullptr) {
    fields.refuse("quantization_config", "quantised weights are not supported",
                  "Use the unquantised checkpoint");
  }
}

void read_shape(const Fields& fields, LlamaConfig& config) {
  config.hidden_size = fields.size("hidden_size", kWidest);
  config.intermediate_size = fields.size("intermediate_size", kWidest);
  config.num_hidden_layers = fields.size("num_hidden_layers", kMostLayers);
  config.num_attention_heads = fields.size("num_attention_heads", kWidest);
  config.vocab_size = fields.size("vocab_size", kWidest);
  config.num_key_value_heads =
      fields.size_or("num_key_value_heads", kWidest, config.num_attention_heads);
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    fields.refuse("num_key_value_heads", fmt::format("it must divide num_attention_heads, {}",
                                                     config.num_attention_heads));
  }
  if (fields.find("head_dim") == nullptr && config.hidden_size % config.num_attention_heads != 0) {
    fields.refuse("hidden_size",
                  fmt::format("without head_dim it must be a multiple of num_attention_heads, {}",
                              config.num_attention_heads));
  }
  config.head_dim =
      fields.size_or("head_dim", kWidest, config.hidden_size / config.num_attention_heads);
  if (config.head_dim % 2 != 0) {
    if (fields.find("head_dim") != nullptr)
      fields.refuse("head_dim", "rotary embedding needs an even number");
    fields.refuse(
        "hidden_size",
        fmt::format(
            "with num_attention_heads {} the heads have {} elements, but rotary embedding needs "
            "an even number",
            config.num_attention_heads, config.head_dim));
  }
  if (config.num_attention_heads > kWidest / config.head_dim) {
    fields.refuse("num_attention_heads",
                  fmt::format("with heads of {} elements, queries are wider than {}",
                              config.head_dim, kWidest));
  }
}

std::int64_t token_id(const Fields& fields, const Json& value, const std::string& key) {
  if (!value.is_number_integer() || value < 0 || value > kWidest)
    fields.refuse(key, "a token id is expected");
  return value.get<std::int64_t>();
}

void read_token_ids(const Fields& fields, LlamaConfig& config) {
  if (const Json* bos = fields.find("bos_token_id"))
    config.bos_token_id = token_id(fields, *bos, "bos_token_id");
  if (const Json* eos = fields.find("eos_token_id")) {
    for (const Json& id : eos->is_array() ? *eos : Json::array({*eos})) {
      config.eos_token_ids.push_back(token_id(fields, id, "eos_token_id"));
    }
  }
  // The first Llama checkpoints write -1 for "none".
  if (const Json* pad = fields.find("pad_token_id"); pad != nullptr && *pad != -1) {
    config.pad_token_id = token_id(fields, *pad, "pad_token_id");
  }
}

void read_dtype(const Fields& fields, LlamaConfig& config) {
  const std::string key = fields.find("dtype") != nullptr ? "dtype" : "torch_dtype";
  config.torch_dtype = fields.text(key).value_or("float32");
  for (const char* known : {"float32", "bfloat16", "float16"}) {
    if (config.torch_dtype == known) return;
  }
  fields.refuse(key, "only float32, bfloat16 and float16 are supported");
}

}  // namespace

std::int64_t LlamaConfig::total_parameters() const {
  return non_embedding_parameters() + (tie_word_embeddings ? 0 : hidden_size * vocab_size);
}

std::int64_t LlamaConfig::non_embedding_parameters() const {
  const std::int64_t queries = num_attention_heads * head_dim;
  const std::int64_t keys = num_key_value_heads * head_dim;
  std::int64_t block = 2 * hidden_size * queries + 2 * hidden_size * keys +
                       3 * hidden_size * intermediate_size + 2 * hidden_size;
  if (attention_bias) block += queries + 2 * keys + hidden_size;
  if (mlp_bias) block += 2 * intermediate_size + hidden_size;
  return num_hidden_layers * block + hidden_size + hidden_size * vocab_size;
}

LlamaConfig parse_llama_config(const std::string& json, const std::string& file) {
  const Json root = parse_strict_json(json, file);
  if (!root.is_object()) {
    fail("bad-json", {file}, "not a configuration: an object is expected",
         "Name the config.json of a Hugging Face Llama checkpoint");
  }
  const Fields fields(root, file);
  check_architecture(fields);
  LlamaConfig config;
  read_shape(fields, config);
  read_rope_fields(fields, config);
  config.max_position_embeddings = fields.size_or("max_position_embeddings", kLongest, 2048);
  config.rms_norm_eps = fields.positive_or("rms_norm_eps", 1e-6);
  config.tie_word_embeddings = fields.flag_or("tie_word_embeddings", false);
  config.attention_bias = fields.flag_or("attention_bias", false);
  config.mlp_bias = fields.flag_or("mlp_bias", false);
  if (const Json* dropout = fields.find("attention_dropout")) {
    if (!dropout->is_number() || *dropout < 0 || !(*dropout < 1)) {
      fields.refuse("attention_dropout", "a number from 0 to below 1 is expected");
    }
    config.attention_dropout = dropout->get<double>();
  }
  read_dtype(fields, config);
  read_token_ids(fields, config);
  config.source_json = json;
  return config;
}

LlamaConfig read_llama_config(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::status(file, error).type() == std::filesystem::file_type::not_found) {
    fail("missing-file", {file.string()}, "this file does not exist",
         "Name the folder of a Hugging Face Llama checkpoint: it holds config.json");
  }
  return parse_llama_config(read_text_file(file, kLargestConfig), file.string());
}

}  // namespace engine
