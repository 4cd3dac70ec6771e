// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scripted/scripted_file.h"

#include "engine/digest.h"
#include "engine/error.h"
#include "engine/scripted/paradigm_json.h"
#include "engine/scripted/pickled_module.h"
#include "engine/scripted/script_source.h"
#include "engine/scripted/zip_archive.h"
#include "engine/strict_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace engine {
namespace {

using scripted::Declaration;
using scripted::DeclaredClass;
using scripted::DeclaredMethod;
using scripted::ParadigmJson;
using scripted::PickledModule;

constexpr std::size_t kMostBytes = 64 << 20;
constexpr std::size_t kMostNoises = 16;

constexpr const char* kLinearSignature =
    "forward(x: Tensor, weight: Tensor, bias: Optional[Tensor], noise: Tensor …) -> Tensor";
constexpr const char* kAttentionSignature =
    "attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, noise: Tensor …) -> Tensor, mask and "
    "noise as wanted";

/// float and Optional[float] as a parameter kind; nothing for other types.
struct ParamType {
  ParamKind kind;
  bool is_nullable;
};

std::optional<ParamType> param_type(std::string_view type) {
  constexpr std::string_view optional = "Optional[";
  const bool nullable = type.substr(0, optional.size()) == optional;
  if (nullable) type = type.substr(optional.size(), type.size() - optional.size() - 1);
  if (type == "int") return ParamType{ParamKind::integer, nullable};
  if (type == "float") return ParamType{ParamKind::real, nullable};
  if (type == "bool") return ParamType{ParamKind::boolean, nullable};
  if (type == "str") return ParamType{ParamKind::text, nullable};
  return std::nullopt;
}

/// "shot_noise" -> "Shot noise".
std::string label_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z')
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

bool fits(NoiseShape shape, bool is_linear) {
  if (shape == NoiseShape::output) return true;
  const bool of_linear = shape == NoiseShape::input || shape == NoiseShape::weight;
  return of_linear == is_linear;
}

class ScriptedReader {
 public:
  ScriptedReader(const std::filesystem::path& file, const std::string& id, std::string bytes)
      : name_(file.string()) {
    result_->path = file;
    result_->info.id = id;
    result_->bytes = std::move(bytes);
    result_->sha256 = sha256_hex(result_->bytes);
  }

  ScriptedFilePtr read() {
    const scripted::ZipArchive zip(result_->bytes, name_);
    entry(zip, "constants.pkl");  // a torch.save file has none
    const PickledModule values = scripted::read_pickled_module(entry(zip, "data.pkl"), name_);
    const auto declared = scripted::find_declared_class(
        entry(zip, scripted::file_of_class(values.class_name)), values.class_name);
    if (!declared) {
      fail("bad-paradigm", {.file = name_},
           fmt::format("the code of its module {} is missing", values.class_name),
           "Write it with torch.jit.save");
    }
    if (const auto text = zip.find("extra/paradigm.json"))
      json_ = scripted::read_paradigm_json(*text, name_, problems_);
    read_identity();
    read_parameters(*declared, values);
    read_methods(*declared);
    read_state(*declared);
    if (!problems_.empty()) throw Error(std::move(problems_));
    return result_;
  }

 private:
  void report(std::string message, std::string remedy = "") {
    Problem problem;
    problem.id = "bad-paradigm";
    problem.place.file = name_;
    problem.message = std::move(message);
    problem.remedy = std::move(remedy);
    problems_.push_back(std::move(problem));
  }

  std::string entry(const scripted::ZipArchive& zip, const std::string& name) const {
    if (const auto found = zip.find(name)) return *found;
    fail("bad-paradigm", {.file = name_},
         fmt::format("not a TorchScript file: it holds no {}", name),
         "Write it with torch.jit.save(torch.jit.script(module), path), not with torch.save");
  }

  void read_identity() {
    ParadigmInfo& info = result_->info;
    info.digest = result_->sha256;
    info.title = json_.title.empty() ? label_of(info.id) : json_.title;
    info.summary = json_.summary.empty()
                       ? fmt::format("TorchScript module {}", result_->path.filename().string())
                       : json_.summary;
    const bool is_word =
        !info.id.empty() && std::all_of(info.id.begin(), info.id.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_' || c == '-' || c == '.';
        });
    if (!is_word)
      report(fmt::format("a paradigm's name is made of letters, digits, _, - and .: {}", info.id),
             "Rename the file");
  }

  void read_parameters(const DeclaredClass& declared, const PickledModule& values) {
    std::vector<ParamSpec> specs;
    for (const Declaration& attribute : declared.attributes) {
      const auto type = param_type(attribute.type);
      if (!type || attribute.name == "training" || attribute.name[0] == '_') continue;
      if (attribute.name == "paradigm") {
        report("an attribute may not be called paradigm: rules use the word", "Rename it");
        continue;
      }
      const scripted::PickledAttribute* held = values.find(attribute.name);
      if (held == nullptr || !held->value) {
        report(fmt::format("the attribute {} is declared as {}, but holds no such value",
                           attribute.name, attribute.type));
        continue;
      }
      ParamSpec spec;
      spec.name = attribute.name;
      spec.kind = type->kind;
      spec.is_nullable = type->is_nullable;
      spec.default_value = *held->value;
      spec.label_text = label_of(spec.name);
      spec.help_text =
          fmt::format("Attribute {} of {}", spec.name, result_->path.filename().string());
      specs.push_back(describe(std::move(spec)));
    }
    add_own_parameters(specs);
    for (const auto& [name, unused] : json_.described) {
      const auto is_it = [&name = name](const ParamSpec& spec) { return spec.name == name; };
      if (std::none_of(specs.begin(), specs.end(), is_it))
        report(
            fmt::format("paradigm.json describes a parameter {}, which the module has not", name),
            "Parameters are attributes of type int, float, bool, str or Optional of these");
    }
    result_->info.schema = ParamSchema(std::move(specs));
    check_defaults();
  }

  ParamSpec describe(ParamSpec spec) {
    std::vector<Problem> found;
    json_.describe(spec, found);
    for (Problem& problem : found) {
      problem.place.file = name_;
      problems_.push_back(std::move(problem));
    }
    return spec;
  }

  /// The seed of its noise and the bypass, unless the module declares them itself.
  void add_own_parameters(std::vector<ParamSpec>& specs) {
    const auto add = [&](ParamSpec spec, const char* type) {
      const auto found = std::find_if(specs.begin(), specs.end(), [&](const ParamSpec& each) {
        return each.name == spec.name;
      });
      if (found == specs.end()) {
        specs.push_back(describe(std::move(spec)));
      } else if (found->kind != spec.kind || found->is_nullable) {
        report(fmt::format("the attribute {} must be of type {}: the engine heeds it itself",
                           spec.name, type),
               "Rename the attribute, or give it this type");
      }
    };
    add(integer(kScriptedSeed, 0)
            .range(0, std::numeric_limits<double>::infinity())
            .label("Seed")
            .help("Enters the key of the layer's noise"),
        "int");
    add(boolean(kScriptedBypass, false).label("Bypass").help("Behave as the ordinary layer"),
        "bool");
  }

  void check_defaults() {
    const ParamSchema& schema = result_->info.schema;
    for (const Problem& problem : problems_in(schema, schema.with_defaults({})))
      report(fmt::format("a default is outside its own range: {}", problem.message),
             "Change the attribute's value or the range in paradigm.json");
  }

  void read_methods(const DeclaredClass& declared) {
    result_->linear = read_method(declared, "forward", true);
    result_->attention = read_method(declared, "attention", false);
    if (!declared.method("forward") && !declared.method("attention")) {
      report("the module has neither a method forward nor attention",
             fmt::format("Write {}; attention needs @torch.jit.export", kLinearSignature));
    }
    const auto targets = json_.targets.value_or(std::vector<std::string>{});
    for (const std::string& target : targets) {
      const bool is_linear = target == "linear";
      if (!is_linear && target != "attention") {
        report(
            fmt::format("paradigm.json: targets has {}, but knows linear and attention", target));
      } else if (!declared.method(is_linear ? "forward" : "attention")) {
        report(fmt::format("paradigm.json: the target {} needs a method {}", target,
                           is_linear ? "forward" : "attention"));
      }
    }
    const auto wants = [&](const char* target) {
      return !json_.targets || std::find(targets.begin(), targets.end(), target) != targets.end();
    };
    if (!wants("linear")) result_->linear.reset();
    if (!wants("attention")) result_->attention.reset();
    if (result_->linear) result_->info.targets.push_back(LayerKind::linear);
    if (result_->attention) result_->info.targets.push_back(LayerKind::attention);
    for (const ScriptedNoise& noise : json_.noises)
      if (!takes_noise(result_->linear, noise.name) && !takes_noise(result_->attention, noise.name))
        report(fmt::format("paradigm.json describes a noise {}, which no method takes", noise.name),
               "Noise is named after the argument that receives it");
  }

  static bool takes_noise(const std::optional<ScriptedMethod>& method, const std::string& name) {
    return method && std::any_of(method->noises.begin(), method->noises.end(),
                                 [&](const ScriptedNoise& noise) { return noise.name == name; });
  }

  std::optional<ScriptedMethod> read_method(const DeclaredClass& declared, const char* name,
                                            bool is_linear) {
    const DeclaredMethod* method = declared.method(name);
    if (method == nullptr) return std::nullopt;
    const std::vector<std::string> fixed =
        is_linear ? std::vector<std::string>{"Tensor", "Tensor", "Optional[Tensor]"}
                  : std::vector<std::string>{"Tensor", "Tensor", "Tensor"};
    bool is_right = method->arguments.size() >= fixed.size() && method->result == "Tensor";
    for (std::size_t i = 0; is_right && i < method->arguments.size(); ++i)
      is_right = method->arguments[i].type == (i < fixed.size() ? fixed[i] : "Tensor");
    if (!is_right) {
      report(fmt::format("its method is {}", signature(*method)),
             fmt::format("Write {}", is_linear ? kLinearSignature : kAttentionSignature));
      return std::nullopt;
    }
    ScriptedMethod result;
    result.name = name;
    for (std::size_t i = fixed.size(); i < method->arguments.size(); ++i) {
      const std::string& argument = method->arguments[i].name;
      if (!is_linear && argument == "mask") {
        if (i != fixed.size()) report("attention: mask must come right behind v");
        result.takes_mask = true;
        continue;
      }
      const ScriptedNoise* described = json_.noise(argument);
      result.noises.push_back(described ? *described : ScriptedNoise{.name = argument});
      if (!fits(result.noises.back().shape, is_linear))
        report(fmt::format("paradigm.json: the noise {} is like {}", argument,
                           is_linear ? "a tensor of attention, but forward takes it"
                                     : "a tensor of a Linear, but attention takes it"),
               is_linear ? "forward knows output, input and weight"
                         : "attention knows output, scores, q, k and v");
    }
    if (result.noises.size() > kMostNoises)
      report(fmt::format("{} takes {} noise tensors; at most {} are possible", name,
                         result.noises.size(), kMostNoises));
    read_observer(declared, is_linear ? "observe" : "observe_attention", is_linear ? 2 : 3, result);
    return result;
  }

  void read_observer(const DeclaredClass& declared, const char* name, std::size_t arguments,
                     ScriptedMethod& method) {
    const DeclaredMethod* observer = declared.method(name);
    if (observer == nullptr) return;
    const bool is_right =
        observer->arguments.size() == arguments &&
        std::all_of(observer->arguments.begin(), observer->arguments.end(),
                    [](const Declaration& argument) { return argument.type == "Tensor"; });
    if (!is_right) {
      report(fmt::format("its method is {}", signature(*observer)),
             arguments == 2 ? "Write observe(x: Tensor, weight: Tensor)"
                            : "Write observe_attention(q: Tensor, k: Tensor, v: Tensor)");
    }
    method.observer = name;
  }

  static std::string signature(const DeclaredMethod& method) {
    std::vector<std::string> arguments;
    for (const Declaration& argument : method.arguments)
      arguments.push_back(argument.name + ": " + argument.type);
    return fmt::format("{}({}) -> {}", method.name, fmt::join(arguments, ", "),
                       method.result.empty() ? "nothing known" : method.result);
  }

  void read_state(const DeclaredClass& declared) {
    if (!declared.parameters.empty())
      report(fmt::format("it holds the nn.Parameter {}, which no optimizer would train",
                         declared.parameters[0]),
             "Register it as a buffer, or make it an attribute");
    const bool observes = (result_->linear && !result_->linear->observer.empty()) ||
                          (result_->attention && !result_->attention->observer.empty());
    if (json_.state) {
      result_->state = *json_.state;
    } else if (observes) {
      result_->state = declared.buffers;
    }
    for (const std::string& name : result_->state)
      if (!declared.is_buffer(name))
        report(fmt::format("paradigm.json: state names {}, which is no buffer of the module", name),
               "Use register_buffer");
    if (json_.state && !json_.state->empty() && !observes)
      report("paradigm.json: there is state, but no method observe that could change it",
             "Write observe(x: Tensor, weight: Tensor) with @torch.jit.export");
  }

  std::shared_ptr<ScriptedFile> result_ = std::make_shared<ScriptedFile>();
  std::string name_;
  ParadigmJson json_;
  std::vector<Problem> problems_;
};

}  // namespace

std::string ScriptedFile::copy_name(const std::filesystem::path& transform_file,
                                    const std::string& id) {
  return transform_file.stem().string() + "." + id + ".pt";
}

ScriptedFilePtr read_scripted_file(const std::filesystem::path& file, const std::string& id) {
  return ScriptedReader(file, id, read_text_file(file, kMostBytes)).read();
}

}  // namespace engine
