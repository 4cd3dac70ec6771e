// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scripted/scripted_paradigm.h"

#include "engine/error.h"
#include "engine/scripted/scripted_layer.h"
#include "engine/transform/paradigm_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace engine {
namespace {

class ScriptedProbe final : public ParadigmProbe {
 public:
  explicit ScriptedProbe(ScriptedFilePtr file) : file_(std::move(file)) {}
  bool offers_full_attention() const override {
    return file_->attention && file_->attention->takes_mask;
  }
  bool draws_once_per_run(LayerKind kind) const override {
    const auto& method = kind == LayerKind::attention ? file_->attention : file_->linear;
    return method &&
           std::any_of(method->noises.begin(), method->noises.end(),
                       [](const ScriptedNoise& noise) { return noise.period == NoisePeriod::run; });
  }

 private:
  ScriptedFilePtr file_;
};

class ScriptedParadigm final : public Paradigm {
 public:
  explicit ScriptedParadigm(ScriptedFilePtr file)
      : file_(file), module_(scripted::ScriptModule::load(std::move(file))) {}

  std::string id() const override { return file_->info.id; }
  std::unique_ptr<ParadigmProbe> probe() const override {
    return std::make_unique<ScriptedProbe>(file_);
  }

  std::unique_ptr<LinearLayer> replace(std::unique_ptr<LinearLayer> original,
                                       const ParamValues& values,
                                       const ReplaceContext& context) const override {
    if (!file_->linear) return Paradigm::replace(std::move(original), values, context);
    scripted::ScriptedCall call(module_.copy_to(context.device), *file_->linear, values,
                                context.run_seed, original->name());
    return std::make_unique<scripted::ScriptedLinear>(std::move(original), std::move(call));
  }

  std::unique_ptr<AttentionCore> replace(std::unique_ptr<AttentionCore> original,
                                         const ParamValues& values,
                                         const ReplaceContext& context) const override {
    if (!file_->attention) return Paradigm::replace(std::move(original), values, context);
    if (original->shape().dropout > 0 && !values.get_bool(kScriptedBypass)) {
      fail("bad-paradigm", {.file = file_->path.string()},
           fmt::format("the model asks for attention_dropout {} in {}, which a scripted attention "
                       "does not apply",
                       original->shape().dropout, original->name()),
           "Set attention_dropout to 0 in config.json, or leave this layer alone");
    }
    scripted::ScriptedCall call(module_.copy_to(context.device), *file_->attention, values,
                                context.run_seed, original->name());
    return std::make_unique<scripted::ScriptedAttention>(std::move(original), std::move(call));
  }

 private:
  ScriptedFilePtr file_;
  scripted::ScriptModule module_;
};

}  // namespace

std::shared_ptr<Paradigm> make_scripted_paradigm(ScriptedFilePtr file) {
  return std::make_shared<ScriptedParadigm>(std::move(file));
}

std::shared_ptr<const Paradigm> paradigm_of(const ParadigmChoice& choice) {
  if (choice.file != nullptr) return make_scripted_paradigm(choice.file);
  for (const auto& paradigm : all_paradigms())
    if (paradigm->id() == choice.info.id) return paradigm;
  fail("unknown-paradigm", {}, "this engine does not have the paradigm " + choice.info.id);
}

std::vector<std::shared_ptr<Paradigm>> paradigms_for(const TransformConfig& config) {
  std::vector<std::shared_ptr<Paradigm>> paradigms = all_paradigms();
  for (const ScriptedFilePtr& file : config.scripted)
    paradigms.push_back(make_scripted_paradigm(file));
  return paradigms;
}

}  // namespace engine
